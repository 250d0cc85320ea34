"""One level of the Haar transform of PyWavelets, bit for bit, for planes of small integers.

Its rounding matters: pixels that nobody changed come back one unit lower where a sum of rounded
products falls short of a whole number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF = 0.7071067811865476
"""PyWavelets' coefficient of the Haar filter."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int16]


class Haar:
    """The transform there and back, in memory that planes of the same size share."""

    def __init__(self) -> None:
        self._rows = np.empty((2, 0, 0))
        self._bands = np.empty((2, 2, 0, 0))

    def analyse(self, plane: Integers) -> Floats:
        """The approximation of a plane with even sides; change it before `synthesise`."""
        height, width = plane.shape
        if self._rows.shape != (2, height // 2, width):
            self._rows = np.empty((2, height // 2, width))
            self._bands = np.empty((2, 2, height // 2, width // 2))
        rows, bands = self._rows, self._bands
        spare = bands.reshape(rows.shape)
        spare[0], spare[1] = plane[0::2], plane[1::2]
        spare *= HALF
        np.add(spare[0], spare[1], out=rows[0])
        np.subtract(spare[0], spare[1], out=rows[1])
        rows *= HALF
        np.add(rows[..., 0::2], rows[..., 1::2], out=bands[0])
        np.subtract(rows[..., 0::2], rows[..., 1::2], out=bands[1])
        return np.asarray(bands[0, 0])

    def synthesise(self, plane: Integers) -> None:
        """Back into `plane`, fractions cut off, with the two mixed details exchanged.

        invisible-watermark hands them to the inverse in the wrong order.
        """
        rows, bands = self._rows, self._bands
        bands *= HALF
        np.add(bands[:, 0], bands[:, 1], out=rows[..., 0::2])
        np.subtract(bands[:, 0], bands[:, 1], out=rows[..., 1::2])
        rows *= HALF
        spare = bands.reshape(rows.shape)
        np.add(rows[0], rows[1], out=spare[0])
        np.subtract(rows[0], rows[1], out=spare[1])
        plane[0::2], plane[1::2] = spare[0], spare[1]
