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


def from_rgb(pixels: Bytes) -> Yuv:
    """H×W×3 RGB to planes."""
    above, red, green, blue = _luma(pixels)
    red -= above
    v = _scaled(red, 56, 33, 128)  # 14369
    return Yuv(above + green, _u(above, blue), np.clip(v, 0, 255, out=v))


def u_of_rgb(pixels: Bytes) -> Plane:
    """Only the U plane of `from_rgb`."""
    above, _, _, blue = _luma(pixels)
    return _u(above, blue)


def to_rgb(yuv: Yuv) -> Bytes:
    """Planes to H×W×3 RGB."""
    luma, u, v = yuv.luma, yuv.u - 128, yuv.v - 128
    red = _scaled(v, 73, -10)  # 18678
    red += luma
    blue = 131 * u  # 33292 = 2·2^14 + 131·2^2
    blue += 1 << 11
    blue >>= 12
    blue += u
    blue += u
    blue += luma
    green = -25 * u  # -6472
    green -= 37 * v  # -9519
    fine = -72 * u
    fine -= 47 * v
    green = _rounded(green, fine)
    green += luma
    result = np.empty((*luma.shape, 3), np.uint8)
    packed = result.view(_RGB)[..., 0]
    for plane in (red, green, blue):
        np.clip(plane, 0, 255, out=plane)
    green <<= 8
    green |= red
    packed["rg"] = green.view(np.uint16)
    packed["b"] = blue.astype(np.uint8)
    return result


def _luma(pixels: Bytes) -> tuple[Plane, Plane, Plane, Plane]:
    """How far luma lies above green; how far red does; green; how far blue lies above green."""
    packed = np.ascontiguousarray(pixels).view(_RGB)[..., 0]
    both = packed["rg"].astype(np.uint16)
    green = (both >> 8).view(np.int16)
    both &= 255
    red, blue = both.view(np.int16), packed["b"].astype(np.int16)
    red -= green
    blue -= green
    # 4899·red + 9617·green + 1868·blue, where the weights sum to 2^14
    coarse = 19 * red
    coarse += 7 * blue
    fine = 35 * red
    fine += 76 * blue
    return _rounded(coarse, fine), red, green, blue


def _u(above: Plane, blue: Plane) -> Plane:
    blue -= above
    return _scaled(blue, 31, 125, 128)  # 8061; cannot leave [0, 255]


def _scaled(plane: Plane, high: int, low: int, middle: int = 0) -> Plane:
    """⌊((256·high + low)·plane + 2^13) / 2^14⌋ + middle."""
    return _rounded(high * plane, low * plane, middle)


def _rounded(coarse: Plane, fine: Plane, middle: int = 0) -> Plane:
    fine >>= 8
    coarse += fine
    coarse += (1 << 5) + (middle << 6)
    coarse >>= 6
    return coarse
