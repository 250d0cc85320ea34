"""Sums of plane waves: the mark as pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.layout import REACH


def grid_of(points: NDArray[np.intp], values: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Coefficients on the square of harmonics: rows 0..REACH, columns -REACH..REACH.

    Args:
        points: N×2 harmonics with row >= 0.
        values: N coefficients.
    """
    grid = np.zeros((REACH + 1, 2 * REACH + 1), np.complex64)
    grid[points[:, 0], points[:, 1] + REACH] = values
    return grid


class Waves:
    """Renders sum of 2 Re(c_k exp(2 pi i k·(x - origin) / period)), any rows at a time.

    Args:
        grid: from `grid_of`.
        period: in pixels.
        origin: (row, column) in pixels.
        width: of the picture.
    """

    def __init__(
        self,
        grid: NDArray[np.complex64],
        period: float,
        origin: tuple[float, float],
        width: int,
    ) -> None:
        self._period = period
        self._top = origin[0]
        columns = np.arange(-REACH, REACH + 1)[:, None]
        along = (np.arange(width) - origin[1])[None, :]
        phase = (2 * np.pi / period) * columns * along
        rows = grid @ np.exp(1j * phase).astype(np.complex64)
        self._basis = np.concatenate([rows.real, -rows.imag], axis=0) * np.float32(2.0)

    def rows(self, positions: NDArray[np.float64]) -> NDArray[np.float32]:
        """The mark on the given rows: len(positions) × width float32."""
        phase = (2 * np.pi / self._period) * np.outer(positions - self._top, np.arange(REACH + 1))
        turn = np.concatenate([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32)
        result: NDArray[np.float32] = turn @ self._basis
        return result
