"""How the known stamps read on real and generated pictures that were not stamped by us.

Run: python -m models.watermark.evaluate_stamps --corpus DIR

Photographs give the false positives; among generated pictures some carry a stamp. The mean and
spread of the matching bits on photographs tell how far fair coins are a fair model.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np

from provenance.picture import Picture
from provenance.watermark.stamps import STAMPS, read_stamps

from . import edits
from .results import update, wilson


def main() -> None:
    """Read every picture with every stamp."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    options = parser.parse_args()
    reads: Counter[str] = Counter()
    found: Counter[str] = Counter()
    which: Counter[str] = Counter()
    lowest = 1.0
    agree: dict[str, list[float]] = {stamp.name: [] for stamp in STAMPS}
    with (options.corpus / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        kind = row["path"].split("/")[0]
        if kind not in {"ai", "real", "meta"}:
            continue
        try:
            pixels = edits.load(options.corpus / row["path"], longest=1 << 20)
        except (OSError, ValueError):
            continue
        reading = read_stamps(Picture(pixels))
        reads[kind] += 1
        found[kind] += reading.found
        if reading.found:
            which[f"{kind}: {reading.stamp.name}: {row['source_repo']}"] += 1
        if kind == "real":
            lowest = min(lowest, reading.false_positive_rate)
            for stamp in STAMPS:
                single = read_stamps(Picture(pixels), (stamp,))
                agree[stamp.name].append(single.matching / len(stamp.bits))
    update(
        "stamps",
        {
            "reads": dict(reads),
            "found": dict(found),
            "which": dict(which),
            "false_positive_ci95": wilson(found["real"], reads["real"]),
            "lowest_rate_on_real": lowest,
            "share_of_matching_bits_on_real": {
                name: {
                    "mean": round(float(np.mean(v)), 4),
                    "sd": round(float(np.std(v)), 4),
                    "sd_of_fair_coins": round(0.5 / len(s.bits) ** 0.5, 4),
                    "largest": round(max(v), 4),
                }
                for s in STAMPS
                for name, v in agree.items()
                if name == s.name
            },
        },
    )
    print(dict(reads), dict(found), dict(which), lowest)


if __name__ == "__main__":
    main()
