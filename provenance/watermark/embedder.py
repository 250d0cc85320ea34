"""The writer: payload and key to waves, waves times mask to pixels."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import code, mask, plane
from provenance.watermark.layout import CARRIERS, ROOM, Carrier, Layout
from provenance.watermark.payload import Payload
from provenance.watermark.waves import Waves, grid_of

_STRIP_SAMPLES = 1 << 22


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a mark sits in one picture.

    Attributes:
        carrier: which of the variants.
        origin: (row, column) of the tile's corner, in pixels, each in [0, period).
        period: of the tile, in pixels.
    """

    carrier: int
    origin: tuple[float, float]
    period: float


def place(key: bytes, payload: Payload, small: plane.Plane, period: float) -> Placement:
    """Choose carrier and shift from key, payload and picture, so that no two pictures agree.

    Deterministic: the same input gives the same mark.
    """
    digest = hashlib.sha256(b"provenance-kit placement 1\0" + key + payload.hex.encode())
    digest.update(np.rint(small).astype(np.uint8).tobytes())
    carrier, row, column = struct.unpack("<III", digest.digest()[:12])
    return Placement(
        carrier % CARRIERS, (row / 2**32 * period, column / 2**32 * period), period
    )


def codeword_signs(payload: Payload, carrier: Carrier) -> NDArray[np.float32]:
    """The ROOM signs that a payload puts on a carrier's data harmonics."""
    bits = code.encode(code.message_bits(payload.value, payload.bits), ROOM)
    signs = np.empty(ROOM, np.float32)
    signs[carrier.order] = 1.0 - 2.0 * bits
    return signs * carrier.flips


def coefficients(
    layout: Layout, carrier: Carrier, signs: NDArray[np.float32], sizes: NDArray[np.float32]
) -> NDArray[np.complex64]:
    """Complex amplitude of every lattice point.

    Args:
        layout: of the key.
        carrier: one of its carriers.
        signs: from `codeword_signs`.
        sizes: amplitude of each quadrature of the data (ROOM), then of each pilot.
    """
    values = np.zeros(len(layout.points), np.complex64)
    quadratures = signs * sizes[:ROOM]
    values[layout.data] = (quadratures[0::2] + 1j * quadratures[1::2]) * carrier.turns
    values[layout.pilots] = sizes[ROOM:] * carrier.pilots
    return values


def add_waves(
    pixels: NDArray[np.generic],
    waves: Waves,
    strength: plane.Plane,
    factor: int,
) -> NDArray[np.generic]:
    """Pixels plus waves × mask, equal on the three channels, rounded and clipped, by strips.

    Args:
        pixels: H×W×3 uint8 or uint16.
        waves: for this width, with unit root mean square.
        strength: amplitude in levels at 1/factor resolution.
        factor: side of the square that one sample of `strength` stands for.
    """
    height, width = pixels.shape[:2]
    deep = pixels.dtype == np.uint16
    top = 65535 if deep else 255
    unit = 257.0 if deep else 1.0
    result = np.empty_like(pixels)
    left, right, across = _interpolation(width, strength.shape[1], factor)
    strip = max(16, _STRIP_SAMPLES // width)
    work = np.int32 if deep else np.int16
    for start in range(0, height, strip):
        stop = min(height, start + strip)
        above, below, down = _interpolation(height, strength.shape[0], factor, start, stop)
        rows = strength[above] * (1 - down)[:, None] + strength[below] * down[:, None]
        local = rows[:, left] * (1 - across) + rows[:, right] * across
        local *= waves.rows(np.arange(start, stop, dtype=np.float64))
        if deep:
            local *= np.float32(unit)
        change = np.rint(local, out=local).astype(work)
        block = pixels[start:stop].astype(work)
        block += change[..., None]
        np.clip(block, 0, top, out=block)
        result[start:stop] = block
    return result


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


def embed(
    pixels: NDArray[np.generic], key: bytes, layout: Layout, payload: Payload, psnr: float
) -> NDArray[np.generic]:
    """Marked pixels of the same shape and type; see `TileWatermarker.embed`."""
    height, width = pixels.shape[:2]
    period = plane.tile_period(height, width)
    factor = max(1, round(period / 64))
    small = plane.luma_plane(pixels, factor)
    placement = place(key, payload, small, period)
    carrier = layout.carriers[placement.carrier]
    local = mask.activity(small, plane.Filters(*small.shape), 64 * factor / period)
    gain = mask.gain_for(local, 255.0**2 / 10 ** (psnr / 10))
    strength = mask.amplitude(local, gain)
    used = len(layout.data) + len(layout.pilots)
    each = np.float32(1 / np.sqrt(2 * used))
    sizes = np.concatenate(
        [np.full(ROOM, each / np.sqrt(2)), np.full(len(layout.pilots), each)]
    ).astype(np.float32)
    values = coefficients(layout, carrier, codeword_signs(payload, carrier), sizes)
    waves = Waves(grid_of(layout.points, values), period, placement.origin, width)
    return add_waves(pixels, waves, strength, factor)
