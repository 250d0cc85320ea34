"""Finds palms: the whole picture, and nine overlapping tiles of half its size.

Most hands span a tenth of a picture, which is too small for a detector of 192 pixels.

Source: the decoding follows MediaPipe's palm detection (anchors of strides 8 and 16, region turned
so that the middle finger points up, 2.6 times the palm, moved half a palm towards the fingers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.detect.hands import network
from provenance.detect.hands.geometry import Region, turned

SIDE = 192
LEAST_SCORE = 0.5
MOST_OVERLAP = 0.3
MOST = 16
"""Hands that are looked at in one picture, the surest first."""

_TILED_FROM = 288
"""Longer side from which tiles are searched as well; below, they would only be enlarged."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Palm:
    """One palm: the detector's score, its box (left, top, right, bottom) and the hand's region."""

    score: float
    box: tuple[float, float, float, float]
    region: Region


def find(image: Image.Image) -> list[Palm]:
    """The palms in an RGB picture of any size, the surest first, at most `MOST`.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    found = [palm for window in _windows(*image.size) for palm in _search(image, window)]
    return distinct(found)[:MOST]


def distinct(palms: Sequence[Palm]) -> list[Palm]:
    """The surest of those that overlap, in order of score."""
    kept: list[Palm] = []
    for palm in sorted(palms, key=lambda p: -p.score):
        if all(overlap(palm.box, other.box) <= MOST_OVERLAP for other in kept):
            kept.append(palm)
    return kept


def overlap(one: Sequence[float], two: Sequence[float]) -> float:
    """Intersection over the smaller box: a part of a palm seen in one tile is the same palm."""
    wide = min(one[2], two[2]) - max(one[0], two[0])
    tall = min(one[3], two[3]) - max(one[1], two[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two))
    return wide * tall / smaller if smaller > 0 else 0.0


def _windows(width: int, height: int) -> Iterator[tuple[float, float, float, float]]:
    yield 0, 0, width, height
    if max(width, height) < _TILED_FROM:
        return
    for row in range(3):
        for column in range(3):
            left, top = column * width / 4, row * height / 4
            yield left, top, left + width / 2, top + height / 2


def _search(image: Image.Image, window: tuple[float, float, float, float]) -> Iterator[Palm]:
    left, top, right, bottom = window
    side = max(right - left, bottom - top)
    corner = np.array([(left + right - side) / 2, (top + bottom - side) / 2])
    scale = SIDE / side
    small = image.resize(
        (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))),
        Image.Resampling.BILINEAR,
        box=window,
    )
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    boxes, logits = network.palms(np.asarray(square))
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    for i in np.flatnonzero(scores >= LEAST_SCORE):
        anchor = _ANCHORS[i]
        middle = boxes[i, :2] / SIDE + anchor
        size = np.abs(boxes[i, 2:4]) / SIDE
        points = boxes[i, 4:].reshape(7, 2) / SIDE + anchor
        middle, points = middle * side + corner, points * side + corner
        size = size * side
        (x0, y0), (x1, y1) = middle - size / 2, middle + size / 2
        box = (float(x0), float(y0), float(x1), float(y1))
        yield Palm(float(scores[i]), box, _region(middle, size, points))


def _region(middle: Array, size: Array, points: Array) -> Region:
    up = points[2] - points[0]
    angle = float(np.arctan2(up[0], -up[1]))
    large = float(size.max())
    x, y = middle + turned(angle) @ np.array([0.0, -0.5 * large])
    return Region(float(x), float(y), angle, 2.6 * large)


def _anchors() -> Array:
    found = []
    for cells, each in ((24, 2), (12, 6)):
        rows, columns = np.mgrid[0:cells, 0:cells]
        centres = np.stack([columns, rows], -1).reshape(-1, 2)
        found.append(np.repeat((centres + 0.5) / cells, each, axis=0))
    return np.concatenate(found)


_ANCHORS = _anchors()
