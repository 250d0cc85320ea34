"""Waves × mask added to pixels, in strips, so that pictures of any size fit in memory."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.waves import Waves

Plane = NDArray[np.float32]
STRIP = 1 << 16
"""Samples that are worked on at a time: a few such strips fit into the processor's cache."""

_COLUMNS = 64
"""Columns that are interpolated at a time: more would multiply by more zeros."""


def add_waves(pixels: NDArray[Any], waves: Waves, strength: Plane, unit: int) -> NDArray[Any]:
    """Pixels plus waves × mask, equal on the three channels, rounded and clipped, by strips.

    Args:
        pixels: H×W×3 uint8 or uint16.
        waves: for this shape, with unit root mean square.
        strength: amplitude in levels at 1/unit resolution.
        unit: side of the square that one sample of `strength` stands for.
    """
    width = pixels.shape[1]
    deep = pixels.dtype == np.uint16
    work, top = (np.int32, 65535) if deep else (np.int16, 255)
    result = np.empty(pixels.shape, pixels.dtype)
    wide = across(strength, unit, width)
    for start, rows in waves.strips(max(16, STRIP // width)):
        local = modulated(rows, wide, unit, start)
        if deep:
            local *= np.float32(257)
        block = _thrice(np.rint(local, out=local).astype(work))
        stop = start + len(rows)
        block += pixels[start:stop]
        result[start:stop] = np.clip(block, 0, top, out=block)
    return result


def _thrice(plane: NDArray[Any]) -> NDArray[Any]:
    """Three equal channels. Of 16 bits, two pixels are written at a time: six values are three."""
    if plane.dtype != np.int16 or plane.size % 2:
        return np.repeat(plane[..., None], 3, axis=-1)
    pairs = plane.reshape(-1).view(np.uint32)
    first, second = pairs & np.uint32(0xFFFF), pairs >> np.uint32(16)
    twice = np.uint32(0x10001)
    if sys.byteorder == "big":
        first, second = second, first
    return (
        np.stack([first * twice, pairs, second * twice], axis=1)
        .view(np.int16)
        .reshape(*plane.shape, 3)
    )


def modulated(rows: Plane, wide: Plane, unit: int, start: int = 0) -> Plane:
    """Rows of waves times the mask.

    Args:
        rows: any number × width.
        wide: the mask, from `across`.
        unit: rows of pixels to one of `wide`.
        start: the first row's number.
    """
    near, weights = _interpolation(start, len(rows), len(wide), unit)
    local: Plane = weights @ wide[near]
    local *= rows
    return local


def across(strength: Plane, unit: int, width: int) -> Plane:
    """The mask with its columns interpolated to `width` pixels."""
    wide = np.empty((len(strength), width), np.float32)
    for start in range(0, width, _COLUMNS):
        count = min(_COLUMNS, width - start)
        near, weights = _interpolation(start, count, strength.shape[1], unit)
        wide[:, start : start + count] = strength[:, near] @ weights.T
    return wide


@lru_cache(maxsize=256)
def _interpolation(start: int, count: int, samples: int, unit: int) -> tuple[slice, Plane]:
    """Linear interpolation from the middles of squares to `count` pixels, as a matrix.

    Returns:
        The samples in use, and the weight of each for each pixel.
    """
    position = (np.arange(start, start + count) + 0.5) / unit - 0.5
    position = np.clip(position, 0, samples - 1)
    first = np.minimum(position.astype(np.intp), max(samples - 2, 0))
    lowest, highest = int(first[0]), min(int(first[-1]) + 1, samples - 1)
    weights = 1 - np.abs(position[:, None] - np.arange(lowest, highest + 1))
    return slice(lowest, highest + 1), np.maximum(weights, 0).astype(np.float32)
