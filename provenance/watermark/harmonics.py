"""A plane's Fourier sums at the harmonics of an upright tile, by two matrix products.

For a geometry that is known, a few thousand sums are far cheaper this way than a transform of the
whole plane. `spectrum.py` serves the geometries that are searched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Complexes = NDArray[np.complex64]


def powers(base: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    """Powers 0..count-1 of every number: count × len(base)."""
    result = np.empty((count, len(base)), np.complex128)
    result[0] = 1.0
    for power in range(1, count):
        np.multiply(result[power - 1], base, out=result[power])
    return result


def stacked(waves: Complexes) -> NDArray[np.float32]:
    """Real parts above imaginary parts, for products with real planes."""
    return np.concatenate([waves.real, waves.imag], axis=0)


def sums(plane: NDArray[np.float32], step: float, axis: NDArray[np.intp]) -> Complexes:
    """Sums of plane(x) exp(-2 pi i step (r, c)·(x - centre)) for r in `axis`, c in it or negated.

    Args:
        plane: H×W; its centre is (H // 2, W // 2).
        step: cycles a sample of frequency 1; times the largest of `axis`, below 0.5.
        axis: N rising frequencies from 0.

    Returns:
        N × (2 N - 1): rows by `axis`, columns from the last of it, negated, to the last.
    """
    down, across = (
        powers(np.exp(-2j * np.pi * step * (np.arange(n) - n // 2)), int(axis[-1]) + 1)[axis]
        for n in plane.shape
    )
    rows = stacked(down.astype(np.complex64)) @ plane
    across = across.astype(np.complex64)
    both = np.concatenate([across[:0:-1].conj(), across], axis=0)
    return np.asarray((rows[: len(axis)] + 1j * rows[len(axis) :]) @ both.T, np.complex64)


def pick(square: Complexes, points: NDArray[np.intp]) -> Complexes:
    """The sums at N×2 places in the axis, with row >= 0; columns keep their sign."""
    return square[points[:, 0], points[:, 1] + len(square) - 1]
