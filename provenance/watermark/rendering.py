"""Waves × mask added to pixels, in strips, so that pictures of any size fit in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.waves import Waves

Plane = NDArray[np.float32]
_STRIP_SAMPLES = 1 << 22


def add_waves(pixels: NDArray[Any], waves: Waves, strength: Plane, factor: int) -> NDArray[Any]:
    """Pixels plus waves × mask, equal on the three channels, rounded and clipped, by strips.

    Args:
        pixels: H×W×3 uint8 or uint16.
        waves: for this width, with unit root mean square.
        strength: amplitude in levels at 1/factor resolution.
        factor: side of the square that one sample of `strength` stands for.
    """
    height, width = pixels.shape[:2]
    deep = pixels.dtype == np.uint16
    work, top = (np.int32, 65535) if deep else (np.int16, 255)
    result = np.empty(pixels.shape, pixels.dtype)
    strip = max(16, _STRIP_SAMPLES // width)
    for start in range(0, height, strip):
        stop = min(height, start + strip)
        local = modulated(waves, strength, factor, (height, width), start, stop)
        if deep:
            local *= np.float32(257)
        block: NDArray[Any] = pixels[start:stop].astype(work)
        block = block + np.rint(local, out=local).astype(work)[..., None]
        np.clip(block, 0, top, out=block)
        result[start:stop] = block
    return result


def modulated(
    waves: Waves,
    strength: Plane,
    factor: int,
    shape: tuple[int, int],
    start: int,
    stop: int,
) -> Plane:
    """Rows start..stop of waves × mask at full resolution, in levels."""
    above, below, down = _interpolation(shape[0], strength.shape[0], factor, start, stop)
    rows = strength[above] * (1 - down)[:, None]
    rows += strength[below] * down[:, None]
    local = waves.rows(np.arange(start, stop, dtype=np.float64))
    if factor == 1:
        local *= rows[:, : shape[1]]
        return local
    # Columns with the same place inside their square share one weight: no gathering.
    samples = -(-shape[1] // factor)
    padded = np.pad(rows, ((0, 0), (1, samples + 1 - rows.shape[1])), mode="edge")
    for offset in range(factor):
        place = (offset + 0.5) / factor - 0.5
        first = 1 if place >= 0 else 0
        weight = np.float32(place - np.floor(place))
        count = len(range(offset, shape[1], factor))
        here = padded[:, first : first + count] * (1 - weight)
        here += padded[:, first + 1 : first + 1 + count] * weight
        local[:, offset::factor] *= here
    return local


def _interpolation(
    length: int, samples: int, factor: int, start: int = 0, stop: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Neighbours and weight of linear interpolation from block centres to pixels."""
    stop = length if stop is None else stop
    position = (np.arange(start, stop) + 0.5) / factor - 0.5
    position = np.clip(position, 0, samples - 1)
    first = np.minimum(position.astype(np.intp), max(samples - 2, 0))
    second = np.minimum(first + 1, samples - 1)
    return first, second, (position - first).astype(np.float32)
