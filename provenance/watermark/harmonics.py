"""A plane's Fourier sums at the harmonics of an upright tile, by small matrix products.

For a geometry that is known, a few thousand sums are far cheaper this way than a transform of the
whole plane. `spectrum.py` serves the geometries that are searched.

Seen from the middle of a plane, cosines are the same on both sides and sines opposite. So a plane
is folded there first, which halves all products.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Complexes = NDArray[np.complex64]
Floats = NDArray[np.float32]


def halves(step: float, count: int, axis: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Cosines and sines of 2 pi step r d, for r in `axis`.

    Args:
        step: cycles a sample of frequency 1.
        count: of samples.
        axis: N frequencies.

    Returns:
        Twice N × ⌈count / 2⌉; d falls from the first sample's distance from the middle.
    """
    return _halves(step, count, axis.tobytes())


@lru_cache(maxsize=16)
def _halves(step: float, count: int, axis: bytes) -> tuple[Floats, Floats]:
    away = (count - 1) / 2 - np.arange((count + 1) // 2)
    angles = 2 * np.pi * step * np.outer(np.frombuffer(axis, np.intp), away)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def folded(plane: Floats) -> tuple[Floats, Floats]:
    """Sum and difference of each row and its mirror image, the outermost first."""
    half = (len(plane) + 1) // 2
    upper, lower = plane[:half], plane[::-1][:half]
    even, odd = upper + lower, upper - lower
    if len(plane) % 2:  # the row in the middle is its own mirror image
        even[-1] *= np.float32(0.5)
    return even, odd


def shifts(step: float, samples: float, axis: NDArray[np.intp]) -> NDArray[np.complex128]:
    """What every harmonic is turned by when a plane moves by so many samples."""
    return np.asarray(np.exp(2j * np.pi * step * samples * axis))


def sums(plane: Floats, step: float, axis: NDArray[np.intp]) -> Complexes:
    """Sums of plane(x) exp(-2 pi i step (r, c)·(x - centre)) for r in `axis`, c in it or negated.

    Args:
        plane: H×W; its centre is (H // 2, W // 2).
        step: cycles a sample of frequency 1; times the largest of `axis`, below 0.5.
        axis: N rising frequencies from 0.

    Returns:
        N × (2 N - 1): rows by `axis`, columns from the last of it, negated, to the last.
    """
    height, width = plane.shape
    count = len(axis)
    cosines, sines = halves(step, height, axis)
    even, odd = folded(plane)
    # Columns of the plane are rows from here on: W × 2 N, cosines beside sines.
    down = np.concatenate([even.T @ cosines.T, odd.T @ sines.T], axis=1)
    cosines, sines = halves(step, width, axis)
    even, odd = folded(down)
    even, odd = cosines @ even, sines @ odd
    same = (even[:, :count] + 1j * even[:, count:]).T
    other = (1j * odd[:, :count] - odd[:, count:]).T
    both = np.concatenate([(same - other)[:, :0:-1], same + other], axis=1)
    rows, columns = (shifts(step, n // 2 - (n - 1) / 2, axis) for n in plane.shape)
    both *= rows[:, None] * np.concatenate([columns[:0:-1].conj(), columns])
    return np.asarray(both, np.complex64)


def pick(square: Complexes, points: NDArray[np.intp]) -> Complexes:
    """The sums at N×2 places in the axis, with row >= 0; columns keep their sign."""
    return square[points[:, 0], points[:, 1] + len(square) - 1]
