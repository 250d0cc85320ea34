"""Turned squares in a picture, and points in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Region:
    """A square in a picture, in its pixels; `angle` in radians, clockwise as one sees it."""

    x: float
    y: float
    angle: float
    side: float

    def crop(self, image: Image.Image, size: int) -> Image.Image:
        """The square, upright, `size` pixels a side; black beyond the picture."""
        step = self.side / size
        shrink = int(step / 2)
        if shrink > 1:  # bilinear reads four pixels: a large region is made smaller first
            image, k = image.reduce(shrink), 1 / shrink
            return Region(self.x * k, self.y * k, self.angle, self.side * k).crop(image, size)
        cos, sin = np.cos(self.angle) * step, np.sin(self.angle) * step
        half = size / 2
        return image.transform(
            (size, size),
            Image.Transform.AFFINE,
            (cos, -sin, self.x - (cos - sin) * half, sin, cos, self.y - (sin + cos) * half),
            Image.Resampling.BILINEAR,
        )

    def outside(self, points: Array, size: int) -> Array:
        """Points of the crop, N×2, in pixels of the picture."""
        inner = (np.asarray(points, np.float64) - size / 2) * (self.side / size)
        return np.asarray(inner @ turned(self.angle).T + [self.x, self.y])

    def inside(self, points: Array, size: int) -> Array:
        """Points of the picture, N×2, in pixels of the crop: the way back."""
        upright = (np.asarray(points, np.float64) - [self.x, self.y]) @ turned(self.angle)
        return np.asarray(upright * (size / self.side) + size / 2)


def turned(angle: float) -> Array:
    """The matrix that turns a column by that angle."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def around(points: Array) -> Region:
    """The region of a hand from its 21 points: wrist below the middle knuckle, 1.6 times as large.

    Args:
        points: 21×2, in pixels of the picture.
    """
    up = points[9] - points[0]
    angle = float(np.arctan2(up[0], -up[1]))
    matrix = turned(angle)
    upright = points @ matrix
    low, high = upright.min(0), upright.max(0)
    x, y = matrix @ ((low + high) / 2)
    return Region(float(x), float(y), angle, float(max(1e-3, (high - low).max() * 1.6)))
