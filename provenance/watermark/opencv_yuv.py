"""RGB to YUV and back in 8 bits, with the fixed-point arithmetic of OpenCV, bit for bit.

Marks of the invisible-watermark package live in OpenCV's U channel, so reading and writing them
exactly needs its rounding. Planes are 16-bit, which processors handle in large batches, and a
product by a weight w is split into w = 256·high + low, so that no sum leaves 16 bits:
⌊(w·x + 2^13) / 2^14⌋ = ⌊(high·x + 2^5 + ⌊low·x / 2^8⌋) / 2^6⌋ holds for all integers.

Source: the constants and shifts of OpenCV's colour conversion (BGR2YUV, YUV2BGR), Apache-2.0;
checked against OpenCV in tests/watermark/test_opencv_yuv.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Plane = NDArray[np.int16]

_RGB = np.dtype({"names": ["rg", "b"], "formats": ["<u2", "u1"], "offsets": [0, 2], "itemsize": 3})


class Yuv(NamedTuple):
    """Planes of 16-bit integers in [0, 255]; grey has 128 in u and v."""

    luma: Plane
    u: Plane
    v: Plane


class Converter:
    """Both conversions, in memory that pictures of the same size share.

    Fresh memory costs as much as the arithmetic. What a method returns holds until the next
    `from_rgb` or `u_of_rgb`.
    """

    def __init__(self) -> None:
        self._memory = np.empty((8, 0, 0), np.int16)

    def from_rgb(self, pixels: Bytes) -> Yuv:
        """H×W×3 RGB to planes."""
        luma, u, v, red, above, *spare = self._planes(pixels.shape)
        self._differences(pixels)
        red -= above
        _scaled(red, 56, 33, 128, v, spare[0])  # 14369
        np.clip(v, 0, 255, out=v)
        luma += above
        return Yuv(luma, _u(u, above, spare[0]), v)

    def u_of_rgb(self, pixels: Bytes) -> Plane:
        """Only the U plane of `from_rgb`."""
        _, u, _, _, above, spare, *_ = self._planes(pixels.shape)
        self._differences(pixels)
        return _u(u, above, spare)

    def to_rgb(self, yuv: Yuv, out: Bytes) -> None:
        """Planes to H×W×3 RGB."""
        *_, u, v, change, fine, spare = self._planes(out.shape)
        np.subtract(yuv.u, 128, out=u)
        np.subtract(yuv.v, 128, out=v)
        packed = out.view(_RGB)[..., 0]
        np.multiply(u, 131, out=change)  # 33292 = 2·2^14 + 131·2^2
        change += 1 << 11
        change >>= 12
        change += u
        change += u
        _shown(change, yuv.luma)
        packed["b"] = change
        np.multiply(u, -25, out=change)  # -6472
        change -= np.multiply(v, 37, out=spare)  # -9519
        np.multiply(u, -72, out=fine)
        fine -= np.multiply(v, 47, out=spare)
        _rounded(change, fine)
        _shown(change, yuv.luma)
        _scaled(v, 73, -10, 0, fine, spare)  # 18678
        _shown(fine, yuv.luma)
        change <<= 8
        change |= fine
        packed["rg"] = change.view(np.uint16)

    def _planes(self, shape: tuple[int, ...]) -> list[Plane]:
        """Luma, u and v; five more."""
        rows, columns = shape[:2]
        if self._memory.shape[1] < rows or self._memory.shape[2] != columns:
            self._memory = np.empty((8, rows, columns), np.int16)
        return list(self._memory[:, :rows])

    def _differences(self, pixels: Bytes) -> None:
        """Green for luma; how far blue lies above it for u, and red and luma for the next two."""
        green, blue, _, red, above, fine, spare, _ = self._planes(pixels.shape)
        packed = np.ascontiguousarray(pixels).view(_RGB)[..., 0]
        red.view(np.uint16)[...] = packed["rg"]
        np.right_shift(red.view(np.uint16), 8, out=green.view(np.uint16))
        red &= 255
        blue[...] = packed["b"]
        red -= green
        blue -= green
        # 4899·red + 9617·green + 1868·blue, where the weights sum to 2^14
        np.multiply(red, 19, out=above)
        above += np.multiply(blue, 7, out=spare)
        np.multiply(red, 35, out=fine)
        fine += np.multiply(blue, 76, out=spare)
        _rounded(above, fine)


def _u(blue: Plane, above: Plane, spare: Plane) -> Plane:
    """⌊(8061·x + 2^13) / 2^14⌋ + 128, where x is how far blue lies above luma: in [0, 255].

    8061 / 2^14 is half of 1 - 131 / 2^13.
    """
    blue -= above
    np.multiply(blue, -131, out=spare)
    spare >>= 13
    blue += spare
    blue += 257
    blue >>= 1
    return blue


def _shown(change: Plane, luma: Plane) -> None:
    change += luma
    np.clip(change, 0, 255, out=change)


def _scaled(plane: Plane, high: int, low: int, middle: int, out: Plane, spare: Plane) -> None:
    """⌊((256·high + low)·plane + 2^13) / 2^14⌋ + middle."""
    np.multiply(plane, high, out=out)
    _rounded(out, np.multiply(plane, low, out=spare), middle)


def _rounded(coarse: Plane, fine: Plane, middle: int = 0) -> None:
    fine >>= 8
    coarse += fine
    coarse += (1 << 5) + (middle << 6)
    coarse >>= 6
