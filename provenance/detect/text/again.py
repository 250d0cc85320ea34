"""Reads a line again, a little changed, and says how far the readings agree.

What can be read stays what it is when it is shrunk, squeezed, stretched or slanted; what only looks
like writing is read as something else each time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.detect.text.interface import LineReader, Reading

Way = Callable[[Image.Image], Image.Image]


def _sized(across: float, down: float) -> Way:
    def way(line: Image.Image) -> Image.Image:
        size = (max(8, round(line.width * across)), max(8, round(line.height * down)))
        return line.resize(size, Image.Resampling.BILINEAR)

    return way


def _slanted(across: float, down: float) -> Way:
    """Upper and lower edge moved against one another, or left and right one."""

    def way(line: Image.Image) -> Image.Image:
        x, y = across * line.height / 2, down * line.width / 2
        matrix = (1, across, -x, down, 1, -y)
        return line.transform(line.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)

    return way


def _trimmed(line: Image.Image) -> Image.Image:
    """Without a little of its upper and lower edge."""
    edge = round(0.08 * line.height)
    return line.crop((0, edge, line.width, max(edge + 2, line.height - edge)))


WAYS: tuple[Way, ...] = (
    _sized(0.6, 0.6), _sized(0.85, 1), _sized(1.2, 1),
    _slanted(0, 0.06), _slanted(0, -0.06), _slanted(0.25, 0), _trimmed,
)  # fmt: skip
"""Each small enough for real lettering to stay legible; chosen once, and not searched for."""


def agreement(line: Image.Image, reading: Reading, reader: LineReader) -> NDArray[np.float64]:
    """Eleven numbers: how alike the texts are, how sure each is, how much the strokes changed.

    Args:
        line: RGB, level.
        reading: of the line as it is.
        reader: reads it in seven other ways.
    """
    others = [reader.read(way(line)) for way in WAYS]
    alike = [likeness(reading.text, other.text) for other in others]
    among = [likeness(a.text, b.text) for a, b in itertools.combinations(others, 2)]
    means = [other.mean for other in others]
    least = [min(other.sureness, default=0.0) for other in others]
    size = float(np.linalg.norm(reading.shapes)) + 1e-6
    moved = [float(np.linalg.norm(other.shapes - reading.shapes)) / size for other in others]
    letters = [len(other.text) for other in others]
    known: tuple[Any, ...] = (
        np.mean(alike), min(alike), np.mean(among),
        np.mean(means), min(means), max(means), np.std(means), np.mean(least),
        np.mean(moved), max(moved), np.mean(letters) / max(1, len(reading.text)),
    )  # fmt: skip
    return np.array(known, np.float64)


def likeness(one: str, two: str) -> float:
    """Share of letters that two texts have in common and in the same order, from 0 to 1."""
    return SequenceMatcher(None, one.lower(), two.lower(), autojunk=False).ratio()
