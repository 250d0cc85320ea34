"""Finds lines of text: where they lie, how high they are, and how sure the network is.

The network says for each pixel how likely it lies in a line. What follows is our own: pixels become
connected regions, regions become rectangles along their main direction, and each rectangle grows by
what the network was taught to leave out. Source: Liao et al., "Real-time Scene Text Detection with
Differentiable Binarization", 2020, sections 3.3 and 3.5; the network is PP-OCRv6 tiny.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance._per_process import PerProcess
from provenance.detect.text.interface import Line
from provenance.detect.text.session import session

SHORT = 640
"""Pictures with a shorter side under this are enlarged, up to `_ENLARGE` times."""

LONG = 1280
"""No longer side goes to the network with more; small lines of a large picture are not found."""

_ENLARGE = 4.0
_MULTIPLE = 32
"""The network halves its input five times."""

_PIXEL = 0.3
"""A pixel with at least this probability lies in text (section 4.2 of the paper)."""

_REGION = 0.5
"""Mean probability that a region needs; lower ones are texture."""

_GROW = 1.6
"""How far a region grows, as area over perimeter (section 3.5: 1.5; PP-OCR: 1.6)."""

_FLATTER = 0.85
"""A sloping rectangle has to be lower than the level one by this factor: slopes are unsure."""

_MOST = 200
"""Regions looked at, largest first; hostile pictures have thousands."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


class Finder:
    """Finds lines. About 0.1 s CPU for a megapixel. Thread-safe."""

    def __init__(self) -> None:
        self._session = PerProcess(_detector)

    def lines(self, image: Image.Image) -> tuple[Line, ...]:
        """The lines in reading order: from the top, and from the left where they are level.

        Args:
            image: RGB, of any size.

        Raises:
            WeightsMissing: the network is not on this machine.
        """
        shown, scale = prepared(image)
        pixels = (np.asarray(shown, np.float32) / 255.0 - _MEAN) / _SPREAD
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        chances = self._session().run(None, {"x": batch})[0][0, 0]
        return reading_order(line for line in regions(chances, scale) if _inside(line, image.size))


def _detector() -> Any:
    return session("det.onnx")


def prepared(image: Image.Image) -> tuple[Image.Image, float]:
    """The picture at the network's size, on grey to whole blocks; and how much it was scaled."""
    width, height = image.size
    scale = min(max(1.0, SHORT / min(width, height)), _ENLARGE, LONG / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # `reducing_gap` shrinks large pictures by whole factors first, which is several times faster.
    shown = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    whole = tuple(-(-side // _MULTIPLE) * _MULTIPLE for side in size)
    page = Image.new("RGB", (whole[0], whole[1]), (124, 116, 104))
    page.paste(shown)
    return page, scale


def regions(chances: NDArray[np.float32], scale: float) -> list[Line]:
    """The rectangles around the connected regions of text.

    Args:
        chances: H×W probabilities that a pixel lies in a line.
        scale: pixels of `chances` for one of the picture.
    """
    from scipy import ndimage

    labels, count = ndimage.label(chances > _PIXEL)
    if not count:
        return []
    sizes = np.bincount(labels.ravel())[1:]
    places = ndimage.find_objects(labels)
    found = []
    for index in np.argsort(-sizes, kind="stable")[:_MOST]:
        place = places[index]
        inside = labels[place] == index + 1
        if min(inside.shape) < 3:
            continue
        score = float(chances[place][inside].mean())
        if score < _REGION:
            continue
        rows, columns = np.nonzero(inside)
        line = _rectangle(columns + place[1].start + 0.5, rows + place[0].start + 0.5, scale, score)
        found.append(line)
    return found


def _rectangle(
    x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], scale: float, score: float
) -> Line:
    """Around these pixels, level or along their main direction, whichever is clearly flatter."""
    best = _along(x, y, 0.0, scale, score)
    values, vectors = np.linalg.eigh(np.cov(np.stack([x, y])))
    if values[1] > 4 * values[0]:  # twice as long as high: the direction means something
        slope = math.atan2(vectors[1, 1], vectors[0, 1])
        slope -= math.pi * round(slope / math.pi)
        sloping = _along(x, y, slope, scale, score)
        if sloping.height < _FLATTER * best.height:
            return sloping
    return best


def _along(
    x: NDArray[np.floating[Any]],
    y: NDArray[np.floating[Any]],
    angle: float,
    scale: float,
    score: float,
) -> Line:
    """The rectangle with this slope, grown by what the network leaves out."""
    cos, sin = math.cos(angle), math.sin(angle)
    along, across = cos * x + sin * y, cos * y - sin * x
    width, height = float(np.ptp(along)) + 1, float(np.ptp(across)) + 1
    grow = _GROW * width * height / (width + height)
    middle_along = float(along.max() + along.min()) / 2
    middle_across = float(across.max() + across.min()) / 2
    centre = (
        (cos * middle_along - sin * middle_across) / scale,
        (sin * middle_along + cos * middle_across) / scale,
    )
    return Line(centre, (width + grow) / scale, (height + grow) / scale, angle, score)


def _inside(line: Line, size: tuple[int, int]) -> bool:
    """Whether its middle lies in the picture and not on the grey around it."""
    return 0 <= line.centre[0] < size[0] and 0 <= line.centre[1] < size[1]


def reading_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """From the top down; lines that overlap by half of their height are read from the left."""
    waiting = sorted(lines, key=lambda line: line.centre[1])
    rows: list[list[Line]] = []
    for line in waiting:
        last = rows[-1][0] if rows else None
        if last and line.centre[1] - last.centre[1] < min(last.height, line.height) / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda one: one.centre[0]))
