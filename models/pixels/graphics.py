"""Sets the flatness from which on a picture counts as a graphic, and measures it.

    python -m models.pixels.graphics LIST.csv... -o graphics.json

The lists are those of features.py, with the further label `graphic`. Sources are split in two: the
threshold is the lowest that keeps `ALLOWED` of the photographs of one half, the rates are of the
other.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from provenance import Picture
from provenance.detect.graphics import flatness
from provenance.errors import ProvenanceError
from provenance.moderate.intervals import clopper_pearson

ALLOWED = 0.01
"""Share of photographs that may be taken for graphics."""

PARTS = 40
"""A source with more pictures is split by their names; it would be a half by itself."""


def half(source: str, name: str, crowded: bool) -> int:
    """0 to tune on, 1 to report on."""
    key = f"{source}/{name}" if crowded else source
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2


def rate(hits: list[bool]) -> dict[str, Any]:
    """Share with its interval."""
    low, high = clopper_pearson(sum(hits), len(hits))
    return {"n": len(hits), "hit": sum(hits), "interval95": [round(low, 4), round(high, 4)]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    found: list[tuple[str, str, str, float]] = []
    for each in given.lists:
        with each.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                path = each.parent / row["path"]
                try:
                    flat = flatness(Picture.open(path))
                except (ProvenanceError, OSError) as error:
                    print(f"{path}: {error}")
                    continue
                found.append((row["label"], row["source"], path.name, flat))
    sizes = {s: sum(1 for f in found if f[1] == s) for _, s, _, _ in found}
    placed = [(label, half(s, n, sizes[s] > PARTS), flat) for label, s, n, flat in found]
    tuning = np.sort([flat for label, h, flat in placed if label == "real" and h == 0])[::-1]
    threshold = round(float(tuning[int(ALLOWED * len(tuning))]) + 0.005, 2)
    report: dict[str, Any] = {"flat": threshold}
    for label in ("real", "ai", "graphic"):
        report[label] = rate([flat >= threshold for k, h, flat in placed if k == label and h == 1])
    given.output.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
