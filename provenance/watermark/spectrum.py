"""The spectrum of a picture at any list of frequencies, from one padded FFT.

A geometry hypothesis is a 2×2 matrix that maps the mark's integer harmonics to frequencies in
cycles a pixel. With this class each hypothesis costs a few hundred interpolations and no warp of
the picture, which is what makes a search over angle, scale, aspect and shear cheap.

Source: non-uniform FFT of type 2 with a Kaiser-Bessel kernel; Beatty, Nishimura and Pauly 2005,
equation 5, for the kernel's shape at a given oversampling.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

WIDTH = 5
"""Taps of the interpolation kernel along each axis."""

OVERSAMPLING = 1.5


def _beta(ratio: float) -> float:
    return float(np.pi * np.sqrt((WIDTH / ratio) ** 2 * (ratio - 0.5) ** 2 - 0.8))


def _kernel(distance: NDArray[np.float64], beta: float) -> NDArray[np.float32]:
    inside = 1.0 - (2.0 * distance / WIDTH) ** 2
    return np.where(inside > 0, np.i0(beta * np.sqrt(np.maximum(inside, 0))), 0.0).astype(
        np.float32
    )


_TABLE_STEPS = 512


@lru_cache(maxsize=16)
def _kernel_table(beta: float) -> NDArray[np.float32]:
    """Kernel weights for fractional positions 0..1 in _TABLE_STEPS steps: steps × WIDTH taps."""
    fraction = (np.arange(_TABLE_STEPS) + 0.5) / _TABLE_STEPS
    taps = np.arange(WIDTH) - (WIDTH // 2 - (1 if WIDTH % 2 == 0 else 0))
    shift = 0.5 if WIDTH % 2 else 0.0
    return _kernel(np.abs(taps[None, :] - (fraction[:, None] - shift)), beta)


@lru_cache(maxsize=16)
def _compensation(length: int, padded: int, beta: float) -> NDArray[np.float32]:
    """One over the kernel's Fourier transform at each sample, for samples centred on zero."""
    position = (np.arange(length) - length // 2) / padded
    argument = np.sqrt(((np.pi * WIDTH * position) ** 2 - beta**2).astype(np.complex128))
    transform = np.where(np.abs(argument) < 1e-9, 1.0, np.sin(argument) / argument).real * WIDTH
    return (1.0 / transform).astype(np.float32)


def _mirrored(columns: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """The values at the negated row frequencies, conjugated."""
    return np.roll(columns[::-1], 1, axis=0).conj()


class Spectrum:
    """Fourier sums of one real plane at any frequency, with the plane's centre as origin.

    Args:
        plane: H×W float32.
    """

    def __init__(self, plane: NDArray[np.float32]) -> None:
        height, width = plane.shape
        self.shape = (height, width)
        self._rows = scipy.fft.next_fast_len(int(np.ceil(height * OVERSAMPLING)), real=False)
        columns = scipy.fft.next_fast_len(int(np.ceil(width * OVERSAMPLING)), real=True)
        self._columns = columns + columns % 2
        self._beta_y = _beta(self._rows / height)
        self._beta_x = _beta(self._columns / width)
        down = _compensation(height, self._rows, self._beta_y)[:, None]
        across = _compensation(width, self._columns, self._beta_x)
        h0, w0 = height // 2, width // 2
        wide = np.zeros((height, self._columns), np.float32)
        np.multiply(plane[:, w0:], across[w0:], out=wide[:, : width - w0])
        np.multiply(plane[:, :w0], across[:w0], out=wide[:, self._columns - w0 :])
        rows = scipy.fft.rfft(wide, axis=1)  # rows of zeros need no transform
        half = np.zeros((self._rows, rows.shape[1]), np.complex64)
        np.multiply(rows[h0:], down[h0:], out=half[: height - h0])
        np.multiply(rows[:h0], down[:h0], out=half[self._rows - h0 :])
        half = scipy.fft.fft(half, axis=0, overwrite_x=True)
        # Mirrored columns on both sides, so that taps near 0 and near Nyquist need no special case.
        count = half.shape[1]
        self._grid = np.concatenate(
            [
                _mirrored(half[:, WIDTH:0:-1]),
                half,
                _mirrored(half[:, count - 2 : count - 2 - WIDTH : -1]),
            ],
            axis=1,
        )
        self._table_y = _kernel_table(self._beta_y)
        self._table_x = _kernel_table(self._beta_x)

    def power(self) -> NDArray[np.float32]:
        """Squared magnitudes on the padded half grid: rows × (columns / 2 + 1)."""
        core = self._grid[:, WIDTH:-WIDTH]
        return np.asarray(core.real**2 + core.imag**2, np.float32)

    @property
    def padded(self) -> tuple[int, int]:
        """Rows and columns of the padded grid: bin i is i / rows cycles a pixel."""
        return self._rows, self._columns

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Fourier sums at frequencies in cycles a pixel.

        Args:
            frequencies: ...×2 of (row, column); components beyond ±0.5 give 0.

        Returns:
            Sums of plane(x) exp(-2 pi i f·(x - centre)), of shape ....
        """
        fy, fx = frequencies[..., 0], frequencies[..., 1]
        outside = (np.abs(fy) >= 0.5) | (np.abs(fx) >= 0.5)
        negative = fx < 0
        sign = np.where(negative, -1.0, 1.0)
        y = np.where(outside, 0.0, sign * fy) * self._rows
        x = np.where(outside, 0.0, sign * fx) * self._columns
        shift = 0.5 if WIDTH % 2 else 0.0
        y0, x0 = np.floor(y + shift), np.floor(x + shift)
        step_y = ((y + shift - y0) * _TABLE_STEPS).astype(np.intp)
        step_x = ((x + shift - x0) * _TABLE_STEPS).astype(np.intp)
        taps = np.arange(WIDTH) - (WIDTH // 2 - (1 if WIDTH % 2 == 0 else 0))
        rows = (y0[..., None].astype(np.intp) + taps) % self._rows
        columns = x0[..., None].astype(np.intp) + taps + WIDTH
        values = self._grid[rows[..., :, None], columns[..., None, :]]
        values *= self._table_y[step_y][..., :, None]
        sums = np.einsum("...ij,...j->...", values, self._table_x[step_x])
        result = np.where(negative, sums.conj(), sums)
        return np.where(outside, 0, result).astype(np.complex64)
