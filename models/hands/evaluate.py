"""Measures the tell of hands and writes `metrics.json`.

    python -m models.hands.evaluate FEATURES

FEATURES comes from features.py. The judge was trained on drawings alone, so every photographed
hand is new to it. The rule's weights and its threshold come from real hands: those that ship from
all of them, and the rates of real hands from others, for each source (of the studio: for each fifth
of its pictures, which are in the order of persons) from the hands of all other sources. No
generated hand and no edit takes part in the choice of anything.
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

from models.hands.edits import CONTROLS, EXTRA, SPOILT
from models.hands.train import auc, by_kind, fit, held_out, load
from models.hands.views import STUDIO
from provenance.detect.hands.judge import WEIGHTS, apply
from provenance.detect.hands.reader import LEAST_PRESENCE, LEAST_SIDE

HERE = Path(__file__).parent
RATE = 0.01
"""Of real hands above the threshold: half of what is wanted, for others exceed it more often."""

MOST = 0.5
"""Standard deviations above the mean of real hands at which the spread stops to count."""

PERSONS = (4200, 4500, 4900, 5400)
"""Numbers of the studio's pictures that part its persons: no two pictures within 28 of one."""

REPORTED = ("imagenet-sample-images", "stable-diffusion")
"""Sources of scenes whose edits were not looked at before the last of all measurements; of the
studio these are the pictures from number 5000 on."""

LEFT_OUT = ("extra-outside", "extra-between", "fused", "bent")

Array = NDArray[Any]
Table = dict[str, Array]


def interval(hits: int, of: int) -> list[float]:
    """Wilson's 95 % interval."""
    if not of:
        return [0.0, 1.0]
    z, p = 1.96, hits / of
    middle, wide = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return [round(max(0.0, (middle + s * wide) / (1 + z * z / of)), 4) for s in (-1, 1)]


def share(flagged: Array) -> dict[str, Any]:
    """A share with its interval."""
    hits, of = int(flagged.sum()), len(flagged)
    return {"n": of, "hits": hits, "rate": round(hits / of, 4) if of else None,
            "interval95": interval(hits, of)}  # fmt: skip


def area(good: Array, bad: Array, good_groups: Array, bad_groups: Array) -> dict[str, Any]:
    """AUC with a bootstrap over groups (pictures), for hands of one picture are not independent."""
    rng = np.random.default_rng(0)
    names = np.unique(np.concatenate([good_groups, bad_groups]))
    sets = [(good[good_groups == g], bad[bad_groups == g]) for g in names]
    drawn = []
    for _ in range(1000 if len(bad) and len(good) else 0):
        some = rng.integers(len(sets), size=len(sets))
        a, b = (np.concatenate([sets[i][k] for i in some]) for k in (0, 1))
        if len(a) and len(b):
            drawn.append(_auc(a, b))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (0.0, 1.0)
    return {"auc": round(_auc(good, bad), 3),
            "interval95": [round(float(low), 3), round(float(high), 3)],
            "good": len(good), "malformed": len(bad)}  # fmt: skip


def _auc(good: Array, bad: Array) -> float:
    return auc(np.concatenate([good, bad]), np.arange(len(good) + len(bad)) >= len(good))


def renders(folder: Path, weights: Any) -> dict[str, Any]:
    """AUC on drawings that were not trained on; and for faults that were left out of training."""
    x, kinds, parts = load(folder)
    train, stop, report = held_out(parts)
    bad = kinds != "good"
    cross: dict[str, float] = {}
    for kind in LEFT_OUT:
        seen = [part & (kinds != kind) for part in (train, stop)]
        rows = report & np.isin(kinds, ["good", kind])
        other = fit(x[seen[0]], bad[seen[0]], x[seen[1]], bad[seen[1]])
        cross |= by_kind(apply(other, x[rows]), kinds[rows])
    return {"trained_on": int(train.sum()), "reported_on": int(report.sum()),
            "by_kind": by_kind(apply(weights, x[report]), kinds[report]),
            "left_out_of_training": cross}  # fmt: skip


def groups(table: Table) -> Array:
    """What is kept together: the source, and in the studio the persons."""
    return np.array([
        f"{source} {np.searchsorted(PERSONS, int(path.split('IMG_')[1][:4]))}"
        if source == STUDIO else source
        for path, source in zip(table["path"], table["source"], strict=True)
    ])  # fmt: skip


def ruled(cues: Table, real: Array) -> dict[str, float]:
    """The rule by these real hands: both cues vary alike, and `RATE` of the hands exceed it."""
    rule = {name: round(1 / float(cue[real].std()), 4) for name, cue in cues.items()}
    logs = cues["spread"][real]
    rule["most"] = round(float(logs.mean() + MOST * logs.std()), 4)
    ranked = np.sort(scored(cues, rule)[real])
    threshold = float(ranked[-1 - math.floor(RATE * len(ranked))])
    return {**rule, "threshold": round(threshold + 1e-3, 4)}


def scored(cues: Table, rule: dict[str, float]) -> Array:
    """The score of every hand, as `provenance.detect.hands.check.score` has it."""
    spread = np.minimum(cues["spread"], rule["most"])
    return np.asarray(rule["spread"] * spread + rule["malformed"] * cues["malformed"])


def measured(table: Table, cues: Table) -> dict[str, Any]:
    """All that is measured of a rule with these cues."""
    clear = (table["presence"] >= LEAST_PRESENCE) & (table["side"] >= LEAST_SIDE)
    hands = clear & (table["set"] == "hand")
    camera = hands & (table["origin"] == "camera") & (table["label"] != "not_hand")
    rule = ruled(cues, camera)
    scores = scored(cues, rule)
    flagged = hands & (scores > rule["threshold"])
    tuned_on = share(flagged[camera])
    where = groups(table)
    for group in np.unique(where[table["origin"] == "camera"]):
        other, rows = ruled(cues, camera & (where != group)), where == group
        flagged[rows] = (hands & (scored(cues, other) > other["threshold"]))[rows]
    studio = table["source"] == STUDIO
    pictures = {}
    for origin in ("camera", "generated"):
        rows = (table["origin"] == origin) & ~studio
        marked = set(table["path"][rows & flagged])
        seen = sorted(set(table["path"][rows & (table["set"] == "picture")]))
        pictures[origin] = share(np.array([path in marked for path in seen]))
    malformed = hands & (table["label"] == "malformed")
    fine = hands & (table["label"] == "wellformed")
    fine_made = fine & (table["origin"] != "camera")
    scenes = camera & ~studio
    against = {"rule": scores, **cues, "palm score (baseline)": -table["palm"],
               "size (baseline)": table["side"]}  # fmt: skip

    def compared(bad: Array) -> dict[str, Any]:
        good = fine & scenes
        return {name: area(cue[good], cue[bad], table["path"][good], table["path"][bad])
                for name, cue in against.items()}  # fmt: skip

    found = {
        "rule": rule,
        "tuned_on": tuned_on,
        "camera_hands": share(flagged[camera]),
        "scene_hands": share(flagged[scenes]),
        "studio_hands": share(flagged[camera & studio]),
        "camera_pictures": pictures["camera"],
        "generated_pictures": pictures["generated"],
        "malformed_found": share(flagged[malformed]),
        "wellformed_generated_flagged": share(flagged[fine_made]),
        "malformed_against_camera": compared(malformed),
        "generated_good_against_camera": compared(fine_made),
        "edits": {
            name: edits(table, {"rule": scores, **cues}, which, rule["threshold"])
            for name, which in _parts(table).items()
        },
        "false_positive_rate": {},
        "weight": _weight(pictures["generated"], pictures["camera"]),
    }  # fmt: skip
    found["false_positive_rate"] = {
        "hand": found["camera_hands"]["interval95"][1],
        "picture": pictures["camera"]["interval95"][1],
    }
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    folder = parser.parse_args().features
    data = (HERE / WEIGHTS).read_bytes()
    weights = {k: v.astype(np.float32) for k, v in np.load(HERE / WEIGHTS).items()}
    with np.load(folder / "corpus.npz", allow_pickle=False) as file:
        table = dict(file)
    x = table.pop("x")
    odds = np.stack([apply(weights, x[:, way]) for way in range(x.shape[1])])
    cues = {"spread": np.log(np.maximum(table["spread"], 1e-4)), "malformed": odds.mean(0)}
    metrics = {
        "weights": {"file": WEIGHTS, "sha256": hashlib.sha256(data).hexdigest()},
        **measured(table, cues),
        "renders": renders(folder, weights),
    }
    text = json.dumps(metrics, indent=1)
    (HERE / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def edits(table: Table, cues: Table, which: Array, threshold: float) -> dict[str, Any]:
    """Each fault against untouched hands and controls, and each control against untouched hands.

    On hands with four fingers stretched; `fewer` are extra fingers on others, no fault there, and
    `any_hand` counts those among the faults.
    """
    rows = which & (table["set"] == "edit") & (table["presence"] >= LEAST_PRESENCE)
    full, few = rows & table["full"], rows & ~table["full"]

    def against(bad: Array, good: Array) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: area(cue[good], cue[bad], table["path"][good], table["path"][bad])
            for name, cue in cues.items()
        }
        return {**found, "flagged": share(cues["rule"][bad] > threshold)}

    kinds = table["kind"]
    good = full & np.isin(kinds, ("untouched", *CONTROLS))
    plain = full & (kinds == "untouched")
    found: dict[str, Any] = {"hands": int(plain.sum())}
    found |= {kind: against(full & (kinds == kind), good) for kind in (*EXTRA, *SPOILT)}
    found |= {kind: against(full & (kinds == kind), plain) for kind in CONTROLS}
    fewer = few & np.isin(kinds, ("extra-outside", "extra-between"))
    found["fewer"] = against(fewer, few & np.isin(kinds, ("untouched", *CONTROLS)))
    alike = rows & np.isin(kinds, ("untouched", *CONTROLS))
    found["any_hand"] = {
        kind: against(rows & (kinds == kind), alike) for kind in ("extra-outside", "extra-between")
    }
    return found


def _parts(table: Table) -> Table:
    """Whose edits are reported; and those by which the size of the judge and `MOST` were chosen."""
    studio, camera = table["source"] == STUDIO, table["origin"] == "camera"
    first = np.array([path.split("IMG_")[-1][:1] for path in table["path"]])
    later = np.where(studio, first == "5", np.isin(table["source"], REPORTED))
    return {
        "studio": studio & later,
        "scenes": camera & ~studio & later,
        "chosen_on_studio": studio & ~later,
        "chosen_on_scenes": camera & ~studio & ~later,
    }


def _weight(made: dict[str, Any], camera: dict[str, Any]) -> dict[str, Any]:
    """Likelihood ratio with half a count added to each cell, and its interval on the log scale."""
    a, b = made["hits"] + 0.5, camera["hits"] + 0.5
    ratio = a / (made["n"] + 1) / (b / (camera["n"] + 1))
    wide = 1.96 * math.sqrt(1 / a - 1 / (made["n"] + 1) + 1 / b - 1 / (camera["n"] + 1))
    return {"ratio": round(ratio, 3),
            "interval95": [round(ratio * math.exp(s * wide), 3) for s in (-1, 1)],
            "generated": made["n"], "others": camera["n"]}  # fmt: skip


if __name__ == "__main__":
    main()
