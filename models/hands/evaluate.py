"""Measures the tell of hands and writes `metrics.json`.

    python -m models.hands.evaluate FEATURES MEASURED.npz [MEASURED.npz ...]

FEATURES comes from features.py, MEASURED from measure.py. The threshold is set on real hands of
the tuning sources; every rate is reported on the others. `REPORTED` names them: sources that
neither gave a background to a render nor took part in the choice of the threshold. Of the studio
hands some persons are in one part and some in the other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.hands.edits import CONTROLS, EDITS
from models.hands.train import auc, fit, held_out, load
from provenance.detect.hands.judge import apply
from provenance.detect.hands.reader import LEAST_PRESENCE, LEAST_SIDE

HERE = Path(__file__).parent
REPORTED = ("EliSchwartz/imagenet-sample-images", "CompVis/stable-diffusion")
STUDIO = "Sign-Language-Digits-Dat"
TUNING_PERSONS = ("1", "4")
"""First digit of the studio's picture numbers, which go by session."""
RATE = 0.02
LEFT_OUT = ("extra-outside", "extra-between", "fused", "bent")

Array = NDArray[Any]


def interval(hits: int, of: int) -> list[float]:
    """Wilson's 95 % interval."""
    if not of:
        return [0.0, 1.0]
    z, p = 1.96, hits / of
    middle, wide = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return [round(max(0.0, (middle + s * wide) / (1 + z * z / of)), 4) for s in (-1, 1)]


def share(hits: int, of: int) -> dict[str, Any]:
    """A share with its interval."""
    return {"n": of, "hits": hits, "rate": round(hits / of, 4) if of else None,
            "interval95": interval(hits, of)}  # fmt: skip


def area(good: Array, bad: Array, good_groups: Array, bad_groups: Array) -> dict[str, Any]:
    """AUC with a bootstrap over groups (pictures), for hands of one picture are not independent."""
    rng = np.random.default_rng(0)
    sets = []
    for scores, groups in ((good, good_groups), (bad, bad_groups)):
        sets.append([scores[groups == g] for g in np.unique(groups)])
    drawn = []
    for _ in range(1000 if len(bad) and len(good) else 0):
        a, b = (np.concatenate([s[i] for i in rng.integers(len(s), size=len(s))]) for s in sets)
        drawn.append(auc(np.concatenate([a, b]), np.arange(len(a) + len(b)) >= len(a)))
    both = auc(np.concatenate([good, bad]), np.arange(len(good) + len(bad)) >= len(good))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (0.0, 1.0)
    return {"auc": round(both, 3), "interval95": [round(float(low), 3), round(float(high), 3)],
            "good": len(good), "malformed": len(bad)}  # fmt: skip


def renders(folder: Path, weights: Any) -> dict[str, Any]:
    """AUC on renders that were not trained on; and for faults that were left out of training."""
    x, kinds, parts = load(folder)
    bad = kinds != "good"
    train, stop, report = held_out(parts)
    scores = apply(weights, x[report])
    by_kind, cross = {}, {}
    for kind in sorted(set(kinds[bad])):
        rows = np.isin(kinds[report], ["good", kind])
        by_kind[str(kind)] = round(auc(scores[rows], bad[report][rows]), 3)
    for kind in LEFT_OUT:
        seen = [part & (kinds != kind) for part in (train, stop)]
        rows = report & np.isin(kinds, ["good", kind])
        other = fit(x[seen[0]], bad[seen[0]], x[seen[1]], bad[seen[1]])
        cross[kind] = round(auc(apply(other, x[rows]), bad[rows]), 3)
    return {"trained_on": int(train.sum()), "reported_on": int(report.sum()),
            "auc": round(auc(scores, bad[report]), 3), "by_kind": by_kind,
            "left_out_of_training": cross}  # fmt: skip


def joined(paths: list[Path]) -> dict[str, Array]:
    """The rows of several files."""
    tables = [dict(np.load(path, allow_pickle=False)) for path in paths]
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    parser.add_argument("measured", type=Path, nargs="+")
    args = parser.parse_args()
    data = (HERE / "judge.npz").read_bytes()
    weights = {k: v.astype(np.float32) for k, v in np.load(HERE / "judge.npz").items()}
    table = joined(args.measured)
    odds = apply(weights, table["x"])
    logs = np.log(np.maximum(np.nan_to_num(table["spread"], nan=1.0), 1e-4))
    clear = (table["presence"] >= LEAST_PRESENCE) & (table["side"] >= LEAST_SIDE)
    hands = clear & (table["set"] == "picture") | clear & (table["set"] == "label")
    camera = hands & (table["origin"] == "camera")
    reported = np.isin(table["source"], REPORTED)
    tune = camera & ~reported
    studio = clear & (table["kind"] == "untouched") & (table["source"] == STUDIO)
    first = np.array([person[:1] for person in table["person"]])
    tune |= studio & np.isin(first, TUNING_PERSONS)
    rule = {"spread": round(1 / float(logs[tune].std()), 4),
            "malformed": round(1 / float(odds[tune].std()), 4)}  # fmt: skip
    scores = rule["spread"] * logs + rule["malformed"] * odds
    ranked = np.sort(scores[tune])
    rule["threshold"] = round(float(ranked[-1 - math.floor(RATE * len(ranked))]) + 1e-3, 4)
    flagged = clear & (scores > rule["threshold"])

    seen = {o: _pictures(table, "seen", table["origin"] == o) for o in ("camera", "generated")}
    report_seen = _pictures(table, "seen", (table["origin"] == "camera") & reported)
    flags = {o: set(table["path"][flagged & (table["set"] == "picture") & (table["origin"] == o)])
             for o in ("camera", "generated")}  # fmt: skip
    test = camera & reported
    malformed = hands & (table["label"] == "malformed")
    fine = hands & (table["label"] == "wellformed")
    fine_camera = fine & (table["origin"] == "camera")
    fine_made = fine & (table["origin"] == "generated")
    cues = {"rule": scores, "spread": logs, "malformed": odds,
            "palm score (baseline)": -table["palm"], "size (baseline)": table["side"]}  # fmt: skip
    per_hand = share(int((flagged & test).sum()), int(test.sum()))
    per_picture = share(len(flags["camera"] & report_seen), len(report_seen))
    metrics = {
        "weights": {"file": "judge.npz", "sha256": hashlib.sha256(data).hexdigest()},
        "rule": rule,
        "tuned_on": {
            **share(int((flagged & tune).sum()), int(tune.sum())),
            "of_the_studio": int((tune & studio).sum()),
        },
        "studio_hands": share(int((flagged & studio & ~tune).sum()), int((studio & ~tune).sum())),
        "camera_hands": per_hand,
        "camera_pictures": per_picture,
        "generated_pictures": share(len(flags["generated"]), len(seen["generated"])),
        "malformed_found": share(int((flagged & malformed).sum()), int(malformed.sum())),
        "wellformed_generated_flagged": share(
            int((flagged & fine_made).sum()), int(fine_made.sum())
        ),
        "malformed_against_camera": {
            name: area(cue[fine_camera], cue[malformed], table["path"][fine_camera],
                       table["path"][malformed])
            for name, cue in cues.items()
        },
        "generated_good_against_camera": {
            name: area(cue[fine_camera], cue[fine_made], table["path"][fine_camera],
                       table["path"][fine_made])
            for name, cue in cues.items()
        },
        "edits": _edits(table, {k: cues[k] for k in ("rule", "spread", "malformed")},
                        scores > rule["threshold"]),
        "renders": renders(args.features, weights),
        "false_positive_rate": {
            "hand": per_hand["interval95"][1], "picture": per_picture["interval95"][1],
        },
        "weight": _weight(len(flags["generated"]), len(seen["generated"]),
                          len(flags["camera"] & report_seen), len(report_seen)),
    }  # fmt: skip
    text = json.dumps(metrics, indent=1)
    (HERE / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _pictures(table: dict[str, Array], kind: str, which: Array) -> set[str]:
    return set(table["path"][(table["set"] == kind) & which])


def _edits(table: dict[str, Array], cues: dict[str, Array], flagged: Array) -> dict[str, Any]:
    """Each edit against untouched hands and controls; each control against untouched hands."""
    rows = (table["set"] == "edit") & (table["presence"] >= LEAST_PRESENCE)
    plain = rows & (table["kind"] == "untouched")
    found: dict[str, Any] = {}
    for kind in (*EDITS, *CONTROLS):
        bad = rows & (table["kind"] == kind)
        good = plain | rows & np.isin(table["kind"], CONTROLS) if kind in EDITS else plain
        found[kind] = {
            name: area(cue[good], cue[bad], table["path"][good], table["path"][bad])
            for name, cue in cues.items()
        }
        found[kind]["flagged"] = share(int((flagged & bad).sum()), int(bad.sum()))
    found["untouched"] = {"flagged": share(int((flagged & plain).sum()), int(plain.sum()))}
    return found


def _weight(made: int, of_made: int, camera: int, of_camera: int) -> dict[str, Any]:
    """Likelihood ratio with half a count added to each cell, and its interval on the log scale."""
    a, b = made + 0.5, camera + 0.5
    ratio = a / (of_made + 1) / (b / (of_camera + 1))
    wide = 1.96 * math.sqrt(1 / a - 1 / (of_made + 1) + 1 / b - 1 / (of_camera + 1))
    return {"ratio": round(ratio, 3),
            "interval95": [round(ratio * math.exp(s * wide), 3) for s in (-1, 1)],
            "generated": of_made, "others": of_camera}  # fmt: skip


if __name__ == "__main__":
    main()
