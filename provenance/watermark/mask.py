"""How loud the mark may be at each place: loud where the picture is busy, faint where it is flat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.plane import Filters

FLAT_CAP = 1.0
"""Root mean square of the mark, in levels, where the picture is flat."""

BUSY_CAP = 4.5
"""The same where it is busiest: keeps every 32×32 block above about 35 dB."""

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


def amplitude(local: Plane, gain: float) -> Plane:
    """Root mean square of the mark at each place, in levels.

    Args:
        local: from `activity`.
        gain: overall strength; 1 is about 44 dB on a photograph.
    """
    grown = np.float32(gain) * (local + np.float32(0.3)) ** np.float32(GROWTH)
    ceiling = np.minimum(FLAT_CAP + 0.35 * local, BUSY_CAP)
    return np.minimum(grown, ceiling).astype(np.float32)


def gain_for(local: Plane, mean_square: float) -> float:
    """The gain at which the mark has this mean square, in squared levels; the caps may forbid it.

    Returns:
        The gain; at the most that the caps allow when the target is out of reach.
    """
    low, high = 0.02, 20.0
    sample = local[::2, ::2]
    for _ in range(24):
        middle = (low * high) ** 0.5
        if float(np.mean(amplitude(sample, middle) ** 2)) < mean_square:
            low = middle
        else:
            high = middle
    return low
