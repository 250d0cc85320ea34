"""How loud the mark may be at each place: loud where the picture is busy, faint where it is flat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.plane import Filters

FLAT_CAP = 1.0
"""Root mean square of the mark, in levels, where the picture is flat."""

FLAT_RISE = 0.3
"""How fast the cap rises with local activity, in levels per level."""

BUSY_CAP = 2.9
"""Cap where the picture is busiest: keeps 32×32 blocks above about 38 dB."""

GAIN_LIMIT = 4.0

GROWTH = 0.6
"""Power of the local activity that the amplitude follows. With the reader's weighting of
activity ** -1.4 this is the matched filter: amplitude / variance."""

Plane = NDArray[np.float32]


def activity(plane: Plane, filters: Filters, scale: float) -> Plane:
    """Local contrast in levels, as the geometric mean of the energy around each sample.

    The geometric mean keeps the halo of one strong edge out of the flat area beside it.

    Args:
        plane: luma in 0..255.
        filters: for its shape.
        scale: samples per pixel of the usual resolution (a 64-sample tile has scale 1).
    """
    sharp = filters.gaussian(3.0 * scale) * -1.0 + 1.0
    padded = filters.pad(plane)
    (detail,) = filters.apply(padded, sharp.astype(np.float32))
    (energy,) = filters.apply(detail * detail, filters.gaussian(1.0 * scale))
    logarithm = np.log(np.maximum(energy, 0.0) + np.float32(0.05))
    (smooth,) = filters.apply(logarithm, filters.gaussian(3.5 * scale))
    return filters.crop(np.exp(0.5 * smooth))


class Mask:
    """The mark's root mean square at each place, for any overall gain.

    Args:
        local: from `activity`.
    """

    def __init__(self, local: Plane) -> None:
        self._shape = (local + np.float32(0.3)) ** np.float32(GROWTH)
        self._ceiling = np.minimum(FLAT_CAP + FLAT_RISE * local, BUSY_CAP).astype(np.float32)

    def amplitude(self, gain: float) -> Plane:
        """Levels at each place; a gain of 1 is about 42 dB on a photograph."""
        return np.minimum(np.float32(gain) * self._shape, self._ceiling * np.float32(_lift(gain)))

    def gain_for(self, psnr: float) -> float:
        """The gain that gives this PSNR; at the most that the caps allow when out of reach."""
        wanted = 255.0**2 / 10 ** (psnr / 10)
        shape, ceiling = self._shape[::2, ::2], self._ceiling[::2, ::2]
        low, high = 0.02, GAIN_LIMIT
        for _ in range(14):
            middle = (low * high) ** 0.5
            here = np.minimum(np.float32(middle) * shape, ceiling * np.float32(_lift(middle)))
            if float(np.mean(here * here)) < wanted:
                low = middle
            else:
                high = middle
        return low


def _lift(gain: float) -> float:
    """How far a gain above one raises the caps: by its square root."""
    return max(1.0, gain) ** 0.5
