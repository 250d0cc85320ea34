"""A hand as the tells see it: cut out, upright, every one of the same size and quality.

A hand of 600 pixels and one of 70 must be judged alike, or its size would be the tell. So each is
brought to the same few pixels and through the same JPEG first.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.detect.hands import network
from provenance.detect.hands.geometry import Region, around

CROP = 224
"""Pixels a side that the landmark network takes."""

SIDE = 160
"""Pixels a side of a view; the hand spans about 67 of them."""

MARGIN = 1.5
"""Side of the view, in regions: what lies around the hand is needed for turning it."""

QUALITY = 85


@dataclass(frozen=True, slots=True)
class View:
    """One hand, found and cut out.

    Attributes:
        region: in pixels of the picture.
        points: 21×2, in pixels of the picture.
        presence: how sure the network is that this is a hand.
        image: `SIDE`×`SIDE`.
    """

    region: Region
    points: NDArray[Any]
    presence: float
    image: Image.Image

    @property
    def inner(self) -> NDArray[Any]:
        """The points in pixels of the view."""
        return wide(self.region).inside(self.points, SIDE)


def look(image: Image.Image, region: Region) -> View:
    """Find the points in a region, and cut the hand out by them.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    points, presence = _points(image, region)
    if presence >= 0.5:
        better = around(points)
        second, sure = _points(image, better)
        if sure >= 0.5:
            region, points, presence = better, second, sure
    return View(region, points, presence, alike(wide(region).crop(image, SIDE)))


def wide(region: Region) -> Region:
    """The region of a view: that of the hand, and what lies around it."""
    return Region(region.x, region.y, region.angle, region.side * MARGIN)


def _points(image: Image.Image, region: Region) -> tuple[NDArray[Any], float]:
    crop = np.asarray(region.crop(image, CROP))
    points, presence = network.landmarks(crop[None])
    return region.outside(points[0, :, :2], CROP), float(presence[0])


def alike(image: Image.Image) -> Image.Image:
    """The view after the JPEG that every view goes through."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    with Image.open(buffer) as again:
        return again.convert("RGB")
