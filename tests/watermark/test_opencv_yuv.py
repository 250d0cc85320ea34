"""The fixed-point arithmetic of OpenCV's colour conversion, gone through exhaustively."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.watermark.opencv_yuv import Converter, Yuv


def every(*parts: np.ndarray) -> np.ndarray:
    """All combinations of three channels, as a picture."""
    return np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(len(parts[0]), -1, 3)


def back(yuv: Yuv) -> np.ndarray:
    pixels = np.empty((*yuv.luma.shape, 3), np.uint8)
    Converter().to_rgb(yuv, pixels)
    return pixels


STEPS = np.append(np.arange(0, 255, 2), 255).astype(np.uint8)
ALL = np.arange(256, dtype=np.uint8)


def test_there_for_colours_of_all_kinds() -> None:
    pixels = every(STEPS, ALL, STEPS[::2])
    red, green, blue = (pixels[..., i].astype(np.int64) for i in range(3))
    luma = (4899 * red + 9617 * green + 1868 * blue + (1 << 13)) >> 14
    u = np.clip(128 + ((8061 * (blue - luma) + (1 << 13)) >> 14), 0, 255)
    v = np.clip(128 + ((14369 * (red - luma) + (1 << 13)) >> 14), 0, 255)
    for got, wanted in zip(Converter().from_rgb(pixels), (luma, u, v), strict=True):
        assert np.array_equal(got, wanted)
    assert np.array_equal(Converter().u_of_rgb(pixels), u)


def test_back_for_every_u_and_v() -> None:
    y, u, v = np.moveaxis(every(STEPS[::8], ALL, ALL).astype(np.int16), -1, 0)
    yuv = Yuv(y, u, v)
    y, u, v = y.astype(np.int64), u - np.int64(128), v - np.int64(128)
    changes = (18678 * v, -6472 * u - 9519 * v, 33292 * u)
    wanted = np.stack([np.clip(y + ((c + (1 << 13)) >> 14), 0, 255) for c in changes], axis=-1)
    assert np.array_equal(back(yuv), wanted)


def test_equals_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    yuv = cv2.cvtColor(np.ascontiguousarray(pixels[..., ::-1]), cv2.COLOR_BGR2YUV)
    assert np.array_equal(np.stack(Converter().from_rgb(pixels), axis=-1), yuv)
    wanted = cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR)[..., ::-1]
    planes = np.moveaxis(pixels.astype(np.int16), -1, 0)
    assert np.array_equal(back(Yuv(*planes)), wanted)
