"""A line of text in a picture, what was read in it, and who finds and reads lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.evidence import Box


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in a picture.

    Attributes:
        centre: x and y, in pixels of the picture.
        width: along the line, in pixels.
        height: across it.
        angle: slope in radians, clockwise on the screen, within ±π/2.
        score: mean probability in the region, uncalibrated.
    """

    centre: tuple[float, float]
    width: float
    height: float
    angle: float
    score: float

    def box(self, size: tuple[int, int], label: str = "", score: float | None = None) -> Box:
        """The upright rectangle around it, cut to a picture of `size` (width, height)."""
        across = abs(math.cos(self.angle)) * self.width + abs(math.sin(self.angle)) * self.height
        down = abs(math.sin(self.angle)) * self.width + abs(math.cos(self.angle)) * self.height
        (x, y), (width, height) = self.centre, size
        left = min(max(0, math.floor(x - across / 2)), width - 1)
        top = min(max(0, math.floor(y - down / 2)), height - 1)
        right = max(left + 1, min(width, math.ceil(x + across / 2)))
        bottom = max(top + 1, min(height, math.ceil(y + down / 2)))
        return Box(left, top, right, bottom, label, score)

    def cut(self, image: Image.Image) -> Image.Image:
        """The line alone, level, in the picture's own pixels."""
        if self.angle == 0.0:
            box = self.box(image.size)
            return image.crop((box.left, box.top, box.right, box.bottom))
        width, height = max(1, round(self.width)), max(1, round(self.height))
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        x = self.centre[0] - cos * width / 2 + sin * height / 2
        y = self.centre[1] - sin * width / 2 - cos * height / 2
        return image.transform(
            (width, height),
            Image.Transform.AFFINE,
            (cos, -sin, x, sin, cos, y),
            Image.Resampling.BICUBIC,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one line.

    Attributes:
        text: the characters.
        sureness: the network's probability of each, uncalibrated.
        shapes: numbers about how the strokes look.
    """

    text: str
    sureness: tuple[float, ...]
    shapes: NDArray[np.float32]

    @property
    def mean(self) -> float:
        """Mean sureness; 0 where nothing was read."""
        return sum(self.sureness) / len(self.sureness) if self.sureness else 0.0


class LineFinder(Protocol):
    """Finds lines of text."""

    def lines(self, image: Image.Image) -> tuple[Line, ...]:
        """The lines of an RGB picture, in reading order."""
        ...


class LineReader(Protocol):
    """Reads one line."""

    def read(self, line: Image.Image) -> Reading:
        """The text of a level line, RGB."""
        ...
