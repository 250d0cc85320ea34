"""Sums of plane waves: the mark as pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.harmonics import powers, stacked


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


class Waves:
    """Renders sum of 2 Re(c_k exp(2 pi i k·(x - origin) / period)), any rows at a time.

    Args:
        grid: from `grid_of`.
        axis: its frequencies, in cycles a period.
        period: in pixels.
        origin: (row, column) in pixels.
        width: of the picture.
    """

    def __init__(
        self,
        grid: NDArray[np.complex64],
        axis: NDArray[np.intp],
        period: float,
        origin: tuple[float, float],
        width: int,
    ) -> None:
        self._axis = axis
        self._turn = 2j * np.pi / period
        self._top = origin[0]
        across = self._turned(np.arange(width, dtype=np.float64) - origin[1])
        both = np.concatenate([across[:0:-1].conj(), across], axis=0)
        self._basis = stacked((grid @ both).conj()) * np.float32(2.0)

    def rows(self, positions: NDArray[np.float64]) -> NDArray[np.float32]:
        """The mark on the given rows: len(positions) × width float32."""
        result: NDArray[np.float32] = stacked(self._turned(positions - self._top)).T @ self._basis
        return result

    def _turned(self, places: NDArray[np.float64]) -> NDArray[np.complex64]:
        every = powers(np.exp(self._turn * places), int(self._axis[-1]) + 1)
        return every[self._axis].astype(np.complex64)
