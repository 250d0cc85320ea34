"""How well the landmark network can make up its mind about a hand.

It always says five fingers. Shown the same hand turned and mirrored it says the same for a good
hand; for a malformed one the points jump. So do they for hands that are hidden, blurred, clasped
or hold something: the spread asks for a look, and proves nothing. See models/hands/card.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from provenance.detect.hands import network
from provenance.detect.hands.geometry import Region
from provenance.detect.hands.view import CROP, MARGIN, SIDE

_WAYS = ((0, 1.0, False), (-22, 1.0, False), (-11, 1.0, False), (11, 1.0, False), (22, 1.0, False),
         (0, 1.0, True), (12, 1.1, True), (-12, 0.95, True))  # fmt: skip
"""Degrees, size and whether mirrored."""

_KNUCKLES = (5, 9, 13, 17)
_TIPS = (4, 8, 12, 16, 20)


@dataclass(frozen=True, slots=True)
class Consistency:
    """What the runs together say.

    Attributes:
        turned: mean distance of the points to where the runs agree, in palms, over the rotations.
        mirrored: the same over the mirrored runs.
        tip: the worst fingertip's, root mean square over all runs.
        presence: mean over the runs.
        length: of the view's palm, in its pixels.
    """

    turned: float
    mirrored: float
    tip: float
    presence: float
    length: float

    @property
    def spread(self) -> float:
        """The geometric mean of the two, so that neither carries it alone."""
        return float(np.sqrt(max(self.turned, 1e-4) * max(self.mirrored, 1e-4)))


def measure(view: Image.Image) -> tuple[Consistency, NDArray[np.float32]]:
    """Run the network on eight variants of a view.

    Returns:
        What the runs together say, and the features of each, 8×`network.WIDTH`.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    seen = network.seen(np.stack([shown(view, way) for way in range(len(_WAYS))]))
    points = np.stack([_region(way).outside(p[:, :2], CROP) for way, p in enumerate(seen.points)])
    for way, (_, _, flip) in enumerate(_WAYS):
        if flip:
            points[way, :, 0] = SIDE - points[way, :, 0]
    return spread(points, seen.presence), seen.features


def shown(view: Image.Image, way: int) -> NDArray[np.uint8]:
    """The view in one of the `_WAYS`, as the network takes it."""
    return np.asarray(_region(way).crop(ImageOps.mirror(view) if _WAYS[way][2] else view, CROP))


def _region(way: int) -> Region:
    degrees, size, _ = _WAYS[way]
    return Region(SIDE / 2, SIDE / 2, np.deg2rad(degrees), SIDE / MARGIN * size)


def spread(points: NDArray[Any], presence: NDArray[Any]) -> Consistency:
    """Compare the runs.

    Args:
        points: 8×21×2 in one frame, in the order of the variants.
        presence: 8.
    """
    agreed = np.median(points, axis=0)
    palm = float(np.mean([np.linalg.norm(agreed[k] - agreed[0]) for k in _KNUCKLES])) + 1e-6
    away = np.linalg.norm(points - agreed, axis=2) / palm
    worst = np.sqrt((away[:, _TIPS] ** 2).mean(0)).max()
    return Consistency(
        float(away[1:5].mean()), float(away[5:].mean()), float(worst), float(presence.mean()), palm
    )
