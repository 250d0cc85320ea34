"""Sums of plane waves: the mark as pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.harmonics import halves, shifts


def grid_of(
    points: NDArray[np.intp], values: NDArray[np.complex64], axis: NDArray[np.intp]
) -> NDArray[np.complex64]:
    """Coefficients by place in `axis`: rows, then columns from the last, negated, to the last.

    Args:
        points: N×2 places, with row >= 0; columns keep their sign.
        values: N coefficients.
        axis: rising frequencies from 0.
    """
    reach = len(axis) - 1
    grid = np.zeros((reach + 1, 2 * reach + 1), np.complex64)
    grid[points[:, 0], points[:, 1] + reach] = values
    return grid


_ROWS = 64


class Waves:
    """Renders sum of 2 Re(c_k exp(2 pi i k·(x - origin) / period)), in strips or whole.

    Rows that lie opposite each other, seen from the middle, are the sum and the difference of the
    same two products of matrices.

    Args:
        grid: from `grid_of`.
        axis: its frequencies, in cycles a period.
        period: in pixels.
        origin: (row, column) in pixels.
        shape: (height, width) of the picture.
    """

    def __init__(
        self,
        grid: NDArray[np.complex64],
        axis: NDArray[np.intp],
        period: float,
        origin: tuple[float, float],
        shape: tuple[int, int],
    ) -> None:
        self._height, self._width = shape
        self._known: NDArray[np.float32] | None = None
        self._cosines, self._sines = halves(1 / period, self._height, axis)
        rows, columns = (
            shifts(1 / period, (n - 1) / 2 - o, axis) for n, o in zip(shape, origin, strict=True)
        )
        right = grid[:, len(axis) - 1 :] * columns
        left = grid[:, len(axis) - 1 :: -1] * columns.conj()
        left[:, 0] = 0
        turn = 2 * rows[:, None]
        cosines, sines = halves(1 / period, self._width, axis)
        even = _parts(turn * (right + left)) @ cosines
        odd = _parts(-1j * turn * (right - left)) @ sines
        across = np.empty((2 * len(axis), self._width), np.float32)
        _unfold(even.T, odd.T, across.T)
        self._real, self._imaginary = across[: len(axis)], across[len(axis) :]

    def strips(self, step: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Strips of at most `step` rows, each with the number of its first; not to be changed."""
        if self._known is not None:
            for start in range(0, self._height, step):
                yield start, self._known[start : start + step]
            return
        for start in range(0, (self._height + 1) // 2, step):
            even, odd = self._products(start, start + step)
            lower = (even - odd)[::-1]
            even += odd
            yield start, even
            yield self._height - start - len(lower), lower

    def whole(self) -> NDArray[np.float32]:
        """All rows, kept for the next call and for `strips`."""
        if self._known is None:
            self._known = np.empty((self._height, self._width), np.float32)
            for start in range(0, (self._height + 1) // 2, _ROWS):
                even, odd = self._products(start, start + _ROWS)
                _unfold(even, odd, self._known[start : self._height - start])
        return self._known

    def _products(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return (
            self._cosines[:, start:stop].T @ self._real,
            self._sines[:, start:stop].T @ self._imaginary,
        )


def _parts(values: NDArray[np.complex128]) -> NDArray[np.float32]:
    """Real parts above imaginary parts."""
    return np.concatenate([values.real, values.imag]).astype(np.float32)


def _unfold(even: NDArray[np.float32], odd: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Rows and their mirror images: the outermost of `out`."""
    np.add(even, odd, out=out[: len(even)])
    np.subtract(even, odd, out=out[::-1][: len(even)])
