"""The writer: payload and key to waves, waves times mask to pixels."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import code, mask, plane, rehearsal
from provenance.watermark.layout import CARRIERS, ROOM, Carrier, Layout
from provenance.watermark.payload import Payload
from provenance.watermark.view import View
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
    pixels: NDArray[np.generic], waves: Waves, strength: plane.Plane, factor: int
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
    work, top = (np.int32, 65535) if deep else (np.int16, 255)
    result = np.empty(pixels.shape, pixels.dtype)
    strip = max(16, _STRIP_SAMPLES // width)
    for start in range(0, height, strip):
        stop = min(height, start + strip)
        local = _modulated(waves, strength, factor, (height, width), start, stop)
        if deep:
            local *= np.float32(257)
        block = pixels[start:stop].astype(work)
        block = block + np.rint(local, out=local).astype(work)[..., None]
        np.clip(block, 0, top, out=block)
        result[start:stop] = block
    return result


def _modulated(
    waves: Waves,
    strength: plane.Plane,
    factor: int,
    shape: tuple[int, int],
    start: int,
    stop: int,
) -> plane.Plane:
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


@dataclass(frozen=True, slots=True)
class Policy:
    """How strong marks are made.

    Attributes:
        score: correlation that the code word should keep after JPEG 50; more is stronger.
        loudest: PSNR in dB that no picture may fall below.
        faintest: PSNR in dB that no picture needs to exceed; equal to `loudest`, that PSNR is met
            without a rehearsal.
    """

    score: float
    loudest: float
    faintest: float


NOMINAL_PSNR = 42.5
"""Strength of the rehearsal, in dB."""

EXPECTED_NOISE = 0.6
"""Variance, in units of the picture's own noise, that shaping expects besides the picture."""


def embed(
    pixels: NDArray[np.generic], key: bytes, layout: Layout, payload: Payload, policy: Policy
) -> NDArray[np.generic]:
    """Marked pixels of the same shape and type; see `TileWatermarker.embed`."""
    height, width = pixels.shape[:2]
    period = plane.tile_period(height, width)
    factor = plane.reduction(height, width)
    small = plane.luma_plane(pixels, factor)
    filters = plane.Filters(*small.shape)
    placement = place(key, payload, small, period)
    carrier = layout.carriers[placement.carrier]
    signs = codeword_signs(payload, carrier)
    masking = mask.Mask(mask.activity(small, filters, period / factor / 64))

    gain = masking.gain_for(NOMINAL_PSNR)
    strength = masking.amplitude(gain)
    view = View(layout, placement.carrier, period, placement.origin, factor)
    sizes = view.sizes(plane.whiten(small, filters), strength, signs, EXPECTED_NOISE)
    grid = grid_of(layout.points, coefficients(layout, carrier, signs, sizes))
    loud = masking.gain_for(policy.loudest)
    if policy.loudest < policy.faintest:
        quiet = masking.gain_for(policy.faintest)
        wanted = gain * _needed(pixels, layout, placement, factor, grid, strength, signs, policy)
        gain = min(max(wanted, quiet), loud)
    else:
        gain = loud
    waves = Waves(grid, period, placement.origin, width)
    return add_waves(pixels, waves, masking.amplitude(gain), factor)


def _needed(
    pixels: NDArray[np.generic],
    layout: Layout,
    placement: Placement,
    factor: int,
    grid: NDArray[np.complex64],
    strength: plane.Plane,
    signs: NDArray[np.float32],
    policy: Policy,
) -> float:
    """The change of gain at which the mark would keep the policy's score after JPEG 50.

    Pictures beyond 1536 pixels are rehearsed at a fraction of their size, as if shrunk first.
    """
    finer = max(1, factor // 2)
    luma = plane.luma_plane(pixels, finer)
    height, width = luma.shape
    middle = (finer - 1) / 2
    origin = tuple((o - middle) / finer for o in placement.origin)
    period = placement.period / finer
    waves = Waves(grid, period, (origin[0], origin[1]), width)
    ratio = max(1, factor // finer)
    luma += _modulated(waves, strength, ratio, (height, width), 0, height)
    reduced = plane.shrink(rehearsal.compress(luma), ratio)
    view = View(layout, placement.carrier, period, (origin[0], origin[1]), ratio)
    kept = view.quadratures(plane.whiten(reduced).plane) * signs
    mean, variance = float(kept.mean()), float(kept.var())
    share = policy.score**2 / ROOM
    return float(np.sqrt(variance * share / (1 - share)) / max(mean, 0.1))
