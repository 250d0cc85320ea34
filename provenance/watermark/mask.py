"""How loud the mark may be: loud where the picture is busy, faint where it is flat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.plane import filters_for, shrink

FLAT_CAP = 0.8
"""Root mean square of the mark, in levels, where the picture is flat."""

FLAT_RISE = 0.7
"""How fast the cap rises with local activity, in levels per level."""

BUSY_CAP = 2.75
"""Cap where the picture is busiest: keeps 32×32 blocks above about 38 dB."""

ERODE = 5
"""Side of the square whose least activity counts: the halo of an edge is kept out of flat areas."""

SMOOTH = 2.5
"""Standard deviation of the blur after that, in samples."""

LEAST_GAIN, GAIN_LIMIT = 0.02, 4.0
"""Smallest and largest overall gain."""

COARSE = 2
"""Samples of the plane that is read, along each axis, to one of the mask: it is smooth."""

GROWTH = 0.6
"""Power of the local activity that the amplitude follows. With the reader's weighting of
activity ** -1.4 this is the matched filter: amplitude / variance."""

Plane = NDArray[np.float32]


def activity(transform: NDArray[np.complex64], shape: tuple[int, ...], scale: float) -> Plane:
    """Local contrast in levels, as the geometric mean of the energy around each sample.

    The geometric mean keeps the halo of one strong edge out of the flat area beside it.

    Args:
        transform: of luma in 0..255, by the filters of its shape.
        shape: of that luma.
        scale: samples per pixel of the usual resolution (a 64-sample tile has scale 1).

    Returns:
        A COARSE-th of the shape.
    """
    fine = filters_for(shape[0], shape[1])
    detail = fine.crop(fine.back(transform, 1 - fine.gaussian(3.0 * scale)))
    energy = shrink(detail * detail, COARSE)
    coarse, scale = filters_for(*energy.shape), scale / COARSE
    energy = coarse.crop(coarse.back(coarse.forward(energy), coarse.gaussian(scale)))
    logarithm = np.log(np.maximum(energy, 0.0) + np.float32(0.05))
    logarithm = _least(logarithm, max(1, round(ERODE * scale)))
    smooth = coarse.blurred(coarse.padded(logarithm), SMOOTH * scale)
    return np.asarray(np.exp(0.5 * smooth), np.float32)


def _least(plane: Plane, side: int) -> Plane:
    """The least of the square of `side` samples around each; beyond the border nothing counts."""
    for _ in range(2):
        plane = plane.T
        length = len(plane)
        padded = np.pad(plane, ((side // 2, side), (0, 0)), constant_values=np.inf)
        width = 1
        while width < side:
            step = min(width, side - width)
            padded = np.minimum(padded[: len(padded) - step], padded[step:])
            width += step
        plane = padded[:length]
    return plane


class Mask:
    """The mark's root mean square at each place, for any overall gain.

    Args:
        local: from `activity`.
    """

    def __init__(self, local: Plane) -> None:
        self._shape = (local + np.float32(0.3)) ** np.float32(GROWTH)
        self._flat = (FLAT_CAP + FLAT_RISE * local).astype(np.float32)
        self._some = [np.ascontiguousarray(p[::2, ::2]).ravel() for p in (self._shape, self._flat)]

    def amplitude(self, gain: float) -> Plane:
        """Levels at each place; a gain of 1 is about 42 dB on a photograph."""
        busy = np.minimum(np.float32(gain) * self._shape, np.float32(BUSY_CAP * _lift(gain)))
        return np.asarray(np.minimum(busy, self._flat), np.float32)

    def gain_for(self, psnr: float) -> float:
        """The gain that gives this PSNR; at the most that the caps allow when out of reach."""
        wanted, low, high = _energy(psnr), LEAST_GAIN, GAIN_LIMIT
        for _ in range(14):
            middle = (low * high) ** 0.5
            if self._loudness(middle) < wanted:
                low = middle
            else:
                high = middle
        return low

    def kept_between(self, gain: float, loudest: float, faintest: float) -> float:
        """The gain, or that of the nearer of two PSNRs when it is outside them."""
        if gain >= GAIN_LIMIT or self._loudness(gain) > _energy(loudest):
            return self.gain_for(loudest)
        if gain <= LEAST_GAIN or self._loudness(gain) < _energy(faintest):
            return self.gain_for(faintest)
        return gain

    def _loudness(self, gain: float) -> float:
        """Mean square of the amplitude, from a quarter of the places."""
        shape, flat = self._some
        here = np.minimum(np.float32(gain) * shape, np.float32(BUSY_CAP * _lift(gain)))
        np.minimum(here, flat, out=here)
        return float(np.vdot(here, here)) / here.size


def _energy(psnr: float) -> float:
    """Mean square of a change with this PSNR."""
    return 255.0**2 / float(10 ** (psnr / 10))


def _lift(gain: float) -> float:
    """How far a gain above one raises the cap of busy places: by its square root."""
    return float(max(1.0, gain) ** 0.5)
