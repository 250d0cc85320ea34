"""RGB to YUV and back in 8 bits, with the fixed-point arithmetic of OpenCV, bit for bit.

Marks of the invisible-watermark package live in OpenCV's U channel, so reading and writing them
exactly needs its rounding. Source: the constants and shifts of OpenCV's colour conversion
(BGR2YUV, YUV2BGR), Apache-2.0; checked against OpenCV in tests/watermark/test_stamps.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHIFT = 14
HALF = 1 << (SHIFT - 1)
OFFSET = 128 << SHIFT

Bytes = NDArray[np.uint8]


def from_rgb(pixels: Bytes) -> Bytes:
    """H×W×3 RGB to H×W×3 YUV."""
    red, green, blue = (pixels[..., i].astype(np.int32) for i in range(3))
    luma = (4899 * red + 9617 * green + 1868 * blue + HALF) >> SHIFT
    u = ((blue - luma) * 8061 + OFFSET + HALF) >> SHIFT
    v = ((red - luma) * 14369 + OFFSET + HALF) >> SHIFT
    return np.clip(np.stack([luma, u, v], axis=-1), 0, 255).astype(np.uint8)


def u_of_rgb(pixels: Bytes) -> Bytes:
    """Only the U channel of `from_rgb`."""
    blue = pixels[..., 2].astype(np.int32)
    luma = pixels[..., 0].astype(np.int32)
    luma *= 4899
    luma += np.multiply(pixels[..., 1], 9617, dtype=np.int32)
    luma += np.multiply(blue, 1868)
    luma += HALF
    luma >>= SHIFT
    blue -= luma
    blue *= 8061
    blue += OFFSET + HALF
    blue >>= SHIFT
    np.clip(blue, 0, 255, out=blue)
    return np.asarray(blue, np.uint8)


def to_rgb(yuv: Bytes) -> Bytes:
    """H×W×3 YUV to H×W×3 RGB."""
    luma, u, v = (yuv[..., i].astype(np.int32) for i in range(3))
    u -= 128
    v -= 128
    red = luma + ((v * 18678 + HALF) >> SHIFT)
    green = luma + ((u * -6472 + v * -9519 + HALF) >> SHIFT)
    blue = luma + ((u * 33292 + HALF) >> SHIFT)
    return np.asarray(np.clip(np.stack([red, green, blue], axis=-1), 0, 255), np.uint8)
