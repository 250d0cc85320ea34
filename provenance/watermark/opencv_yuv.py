"""RGB to YUV and back in 8 bits, with the fixed-point arithmetic of OpenCV, bit for bit.

Marks of the invisible-watermark package live in OpenCV's U channel, so reading and writing them
exactly needs its rounding. Works a few rows at a time, so that intermediate integers stay in the
processor's cache.

Source: the constants and shifts of OpenCV's colour conversion (BGR2YUV, YUV2BGR), Apache-2.0;
checked against OpenCV in tests/watermark/test_stamps.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SHIFT = 14
HALF = 1 << (SHIFT - 1)
OFFSET = (128 << SHIFT) + HALF

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int32]
_STRIP_SAMPLES = 1 << 15


def from_rgb(pixels: Bytes) -> Bytes:
    """H×W×3 RGB to H×W×3 YUV."""
    result = np.empty_like(pixels)
    for rows in _strips(pixels):
        red, _, blue, luma = _luma(pixels[rows])
        result[rows, :, 0] = luma
        result[rows, :, 1] = _difference(blue, luma, 8061)
        result[rows, :, 2] = _difference(red, luma, 14369)
    return result


def u_of_rgb(pixels: Bytes) -> Bytes:
    """Only the U channel of `from_rgb`."""
    result = np.empty(pixels.shape[:2], np.uint8)
    for rows in _strips(pixels):
        _, _, blue, luma = _luma(pixels[rows])
        result[rows] = _difference(blue, luma, 8061)
    return result


def to_rgb(yuv: Bytes) -> Bytes:
    """H×W×3 YUV to H×W×3 RGB."""
    result = np.empty_like(yuv)
    for rows in _strips(yuv):
        luma, u, v = (yuv[rows, :, i].astype(np.int32) for i in range(3))
        u -= 128
        v -= 128
        luma <<= SHIFT
        luma += HALF  # the package adds it after each product; the sum is the same
        for channel, change in ((0, v * 18678), (1, u * -6472 - v * 9519), (2, u * 33292)):
            result[rows, :, channel] = np.clip((luma + change) >> SHIFT, 0, 255)
    return result


def _strips(pixels: Bytes) -> Iterator[slice]:
    step = max(1, _STRIP_SAMPLES // max(1, pixels.shape[1]))
    for start in range(0, pixels.shape[0], step):
        yield slice(start, start + step)


def _luma(pixels: Bytes) -> tuple[Integers, Integers, Integers, Integers]:
    red, green, blue = (pixels[..., i].astype(np.int32) for i in range(3))
    luma = red * 4899
    luma += green * 9617
    luma += blue * 1868
    luma += HALF
    luma >>= SHIFT
    return red, green, blue, luma


def _difference(channel: Integers, luma: Integers, weight: int) -> Integers:
    channel -= luma
    channel *= weight
    channel += OFFSET
    channel >>= SHIFT
    return np.asarray(np.clip(channel, 0, 255, out=channel), np.int32)
