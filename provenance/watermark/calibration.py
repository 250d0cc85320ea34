"""How often a picture without a mark gives a reading as convincing as this one.

A payload is reported only when its CRC holds and its code word fits the picture well. On pictures
without this key's mark the decoded words are arbitrary, so a CRC of 24 bits holds by chance once
in 2^24; how well an arbitrary word fits was measured, and its tail is modelled as exponential,
which lies above what was measured (docs/watermark.md shows both). The rate covers every word
that a search may decode.
"""

from __future__ import annotations

import math

from provenance.watermark.calibrated import TAILS
from provenance.watermark.code import CRC_BITS

ATTEMPTS = 64
"""Upper bound on the words of one length that a search decodes, in one picture.

Two locks for each geometry: as written in the middle and in all of it (4), six turned or scaled
ones at up to three resolutions (36), two stretched (4), three sheared (6); the undertone (1)."""

FLOOR = 1e-6
"""Least value of the modelled tail: a tenth of what the number of reads could show, no less."""


def tail(score: float, bits: int) -> float:
    """Probability that one arbitrary word of an unmarked picture scores at least this much."""
    start, share, scale = TAILS[bits]
    if score <= start:
        return 1.0
    return max(FLOOR, share * math.exp(-(score - start) / scale))


def false_positive_rate(score: float, bits: int) -> float:
    """Probability that an unmarked picture gives a payload of this length with such a score."""
    return min(1.0, ATTEMPTS * 2.0**-CRC_BITS * tail(score, bits))
