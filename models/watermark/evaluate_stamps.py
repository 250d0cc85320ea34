"""How the known stamps read on real and generated pictures that were not stamped by us.

Run: python -m models.watermark.evaluate_stamps --corpus DIR

Photographs give the false positives; among generated pictures some carry a stamp. Every stamp is
also compared turned round by each number of its bits: no pipeline writes those, so they are as
many further stamps of the same make, and show how often a rate of p or less comes up by chance. It
should be at most p. Nothing is fitted. The baseline takes bits as fair coins.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from provenance.picture import Picture
from provenance.watermark.dwt_dct import block_votes, majority
from provenance.watermark.stamps import STAMPS, Stamp, chance, read_stamps

from . import edits
from .results import update, wilson

UNMARKED = {"real", "hands", "text", "nsfw_benign"}
"""Folders of photographs and scans."""

LEVELS = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0001)


@cache
def fair_coins(matching: int, length: int) -> float:
    """The baseline: probability of as many heads or more."""
    return sum(math.comb(length, k) for k in range(matching, length + 1)) / 2.0**length


_chance = cache(chance)


def turned(pixels: np.ndarray, stamp: Stamp) -> tuple[list[float], list[float]] | None:
    """Rates of every rotation of a stamp: ours, and the baseline's; None for tiny pictures."""
    length = len(stamp.bits)
    votes = block_votes(pixels, stamp.method)
    if votes.size < length:
        return None
    read, ones = majority(votes, length), sum(stamp.bits)
    bits = np.array(stamp.bits, np.uint8)
    hits = [int(np.sum(read == np.roll(bits, shift))) for shift in range(length)]
    known = int(read.sum())
    return (
        [_chance(h, length, ones, known) for h in hits],
        [fair_coins(h, length) for h in hits],
    )


def shares(rates: list[list[float]]) -> dict[str, list[float]]:
    """How often each level is reached: share and its 95 % interval by bootstrap over pictures."""
    reached = np.array([[np.mean(np.array(r) <= p) for p in LEVELS] for r in rates])
    rng = np.random.default_rng(0)
    drawn = reached[rng.integers(0, len(reached), (2000, len(reached)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return {
        f"{p:g}": [round(float(v), 6) for v in (reached[:, i].mean(), low[i], high[i])]
        for i, p in enumerate(LEVELS)
    }


def main() -> None:
    """Read every picture with every stamp."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    options = parser.parse_args()
    reads: Counter[str] = Counter()
    found: Counter[str] = Counter()
    which: Counter[str] = Counter()
    lowest = 1.0
    ours: dict[str, list[list[float]]] = {stamp.name: [] for stamp in STAMPS}
    coins: dict[str, list[list[float]]] = {stamp.name: [] for stamp in STAMPS}
    with (options.corpus / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        kind = row["path"].split("/")[0]
        if kind not in UNMARKED | {"ai", "meta"}:
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
        if kind not in UNMARKED:
            continue
        lowest = min(lowest, reading.false_positive_rate)
        for stamp in STAMPS:
            rates = turned(pixels, stamp)
            if rates:
                ours[stamp.name].append(rates[0])
                coins[stamp.name].append(rates[1])
    unmarked = sum(reads[kind] for kind in UNMARKED)
    result: dict[str, Any] = {
        "reads": dict(reads),
        "found": dict(found),
        "which": dict(which),
        "false_positive_ci95": wilson(sum(found[kind] for kind in UNMARKED), unmarked),
        "lowest_rate_on_photographs": lowest,
        "rotations_at_or_below": {
            stamp.name: {
                "pictures": len(ours[stamp.name]),
                "comparisons": len(ours[stamp.name]) * len(stamp.bits),
                "ours": shares(ours[stamp.name]),
                "fair_coins": shares(coins[stamp.name]),
            }
            for stamp in STAMPS
        },
    }
    update("stamps", result)
    print(dict(reads), dict(found), dict(which), lowest)
    for name, row in result["rotations_at_or_below"].items():
        for model in ("ours", "fair_coins"):
            print(name, model, {p: v[0] for p, v in row[model].items()})


if __name__ == "__main__":
    main()
