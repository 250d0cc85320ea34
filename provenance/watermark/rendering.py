"""Waves × mask added to pixels, in strips, so that pictures of any size fit in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.waves import Waves

Plane = NDArray[np.float32]
STRIP = 1 << 16
"""Samples that are worked on at a time: a few such strips fit into the processor's cache."""


def add_waves(
    pixels: NDArray[Any], waves: Waves, strength: Plane, unit: int, known: Plane | None = None
) -> NDArray[Any]:
    """Pixels plus waves × mask, equal on the three channels, rounded and clipped, by strips.

    Args:
        pixels: H×W×3 uint8 or uint16.
        waves: for this width, with unit root mean square.
        strength: amplitude in levels at 1/unit resolution.
        unit: side of the square that one sample of `strength` stands for.
        known: all rows of the waves, if they were rendered already; overwritten.
    """
    height, width = pixels.shape[:2]
    deep = pixels.dtype == np.uint16
    work, top = (np.int32, 65535) if deep else (np.int16, 255)
    result = np.empty(pixels.shape, pixels.dtype)
    wide = across(strength, unit, width)
    strip = max(16, STRIP // width)
    for start in range(0, height, strip):
        stop = min(height, start + strip)
        rows = np.arange(start, stop, dtype=np.float64)
        local = waves.rows(rows) if known is None else known[start:stop]
        modulate(local, wide, unit, start)
        if deep:
            local *= np.float32(257)
        change = np.rint(local, out=local).astype(work)
        block = np.empty((stop - start, width, 3), work)
        for channel in range(3):
            block[..., channel] = change
        block += pixels[start:stop]
        result[start:stop] = np.clip(block, 0, top, out=block)
    return result


def modulate(local: Plane, wide: Plane, unit: int, start: int = 0) -> None:
    """Multiply rows of waves by the mask, in place.

    Args:
        local: rows × width.
        wide: the mask, from `across`.
        unit: rows of pixels to one of `wide`.
        start: the first row's number.
    """
    above, below, down = _interpolation(start, len(local), len(wide), unit)
    rows = wide[above]
    rows *= (1 - down)[:, None]
    lower = wide[below]
    lower *= down[:, None]
    rows += lower
    local *= rows


def across(strength: Plane, unit: int, width: int) -> Plane:
    """The mask with its columns interpolated to `width` pixels."""
    left, right, share = _interpolation(0, width, strength.shape[1], unit)
    columns = np.ascontiguousarray(strength.T)
    wide = columns[left]
    wide *= (1 - share)[:, None]
    wide += columns[right] * share[:, None]
    return np.ascontiguousarray(wide.T)


def _interpolation(
    start: int, count: int, samples: int, unit: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Neighbours and weight of linear interpolation from the middles of squares to pixels."""
    position = (np.arange(start, start + count) + 0.5) / unit - 0.5
    position = np.clip(position, 0, samples - 1)
    first = np.minimum(position.astype(np.intp), max(samples - 2, 0))
    second = np.minimum(first + 1, samples - 1)
    return first, second, (position - first).astype(np.float32)
