"""Holds a picture against the record that its watermark names: a mark can be moved to another one.

The comparison looks harder than a search among many can: all eight orientations, and the middle of
the recorded picture at every place and size that a crop may have left it. What it cannot follow is
a crop of which little is left, a turn by some degrees, or a screen around the picture; the mark
itself tells of these, since its tiles can be counted and their axes measured. Then the answer is
`UNCLEAR`, and never an accusation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from provenance.picture import Picture
from provenance.registry import fingerprint as prints
from provenance.registry.bars import without_bars
from provenance.registry.fingerprint import MATCH, SAME, Fingerprint

WHOLE = 0.85
"""Share of the recorded area from which on a copy can be compared: a crop to 92 % of each side."""

_SQUARE = 0.06
"""How far a mark's axes may lean, as a tangent: 3.4 degrees."""

_CROPS = ((0.98, 2), (0.96, 2), (0.94, 3), (0.92, 4), (0.90, 4), (0.88, 4), (0.86, 4), (0.83, 3))
"""Share of each side that a crop may have left, and places tried along each side."""


class Resemblance(StrEnum):
    """What the comparison says."""

    SAME = "same"
    """The recorded picture, at most scaled, recompressed or slightly toned."""
    EDITED = "edited"
    """The recorded picture, visibly altered, mirrored, turned by quarters or cropped."""
    OTHER = "other"
    """As much is there as was recorded, and it looks different: the mark was moved here, or hardly
    anything of the picture is left."""
    UNCLEAR = "unclear"
    """Cannot be told: cropped or turned too far, too plain, or recorded without a fingerprint."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer with its reasons.

    Attributes:
        resemblance: what it says.
        distance: bits that differ, of 256, for the best alignment; None if none could be made.
        share: of the recorded area that is visible, by the mark's tiles; None if unknown.
    """

    resemblance: Resemblance
    distance: int | None
    share: float | None


def compare(
    picture: Picture,
    recorded: Fingerprint | None,
    *,
    recorded_tiles: float | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Comparison:
    """Is this the picture that was recorded?

    Args:
        picture: what carries the mark.
        recorded: fingerprint of the record that the mark names.
        recorded_tiles: the record's `tiles`.
        reading: details of the watermark's reading in `picture`.
    """
    said = reading or {}
    share = _share(picture, recorded_tiles, said)
    whole = prints.whole_hash(picture)
    if recorded is None or whole is None:
        return Comparison(Resemblance.UNCLEAR, None, share)
    as_it_is = prints.differing(whole, recorded.whole)
    if as_it_is <= SAME:
        return Comparison(Resemblance.SAME, as_it_is, share)
    inner = without_bars(picture)
    best = min(
        _best(view, recorded) for view in ([picture] if inner is picture else [picture, inner])
    )
    if best <= MATCH:
        return Comparison(Resemblance.EDITED, best, share)
    shares = share, _share(inner, recorded_tiles, said)
    comparable = all(s is not None and WHOLE <= s <= 1 / WHOLE for s in shares)
    # Between the threshold and what unrelated pictures show lies room for an edit.
    other = comparable and _is_square(said) and best > MATCH + SAME
    return Comparison(Resemblance.OTHER if other else Resemblance.UNCLEAR, best, share)


def _best(picture: Picture, recorded: Fingerprint) -> int:
    """Bits that differ for the best alignment; one that is surely good ends the search."""
    best = 256
    for candidate, kept in _alignments(prints.small(picture), recorded):
        best = min(best, prints.differing(candidate, kept))
        if best <= MATCH // 2:
            break
    return best


def _share(
    picture: Picture, recorded_tiles: float | None, reading: Mapping[str, Any]
) -> float | None:
    now = tiles(reading, picture.width, picture.height)
    return now / recorded_tiles if now and recorded_tiles else None


def tiles(reading: Mapping[str, Any], width: int, height: int) -> float | None:
    """The area of a picture in tiles of its mark, from a reading's details; None if they tell not.

    Scaling does not change it, cropping does.
    """
    period = _period(reading)
    if period is None:
        return None
    area = abs(period[0][0] * period[1][1] - period[0][1] * period[1][0])
    return width * height / area if math.isfinite(area) and area > 1 else None


def _period(reading: Mapping[str, Any]) -> list[list[float]] | None:
    try:
        (a, b), (c, d) = reading["period"]
        return [[float(a), float(b)], [float(c), float(d)]]
    except (KeyError, TypeError, ValueError):
        return None


def _is_square(reading: Mapping[str, Any]) -> bool:
    """True if the mark's axes are those of the picture."""
    period = _period(reading)
    if period is None:
        return False
    (a, b), (c, d) = period
    return abs(b) <= _SQUARE * abs(a) and abs(c) <= _SQUARE * abs(d)


def _alignments(canvas: Any, recorded: Fingerprint) -> Iterator[tuple[bytes, bytes]]:
    """Hashes of the picture beside the recorded ones that they may equal, likeliest first."""
    grid = np.asarray(canvas.resize((64, 64), 2), np.float32)
    for turned in (grid, grid.T):
        for view in (turned, turned[:, ::-1], turned[::-1], turned[::-1, ::-1]):
            yield prints.hash_of(view), recorded.whole
    for share, places in _CROPS:
        for box in prints.middles(share, places):
            yield prints.hash_window(canvas, box), recorded.middle
