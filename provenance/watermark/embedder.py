"""The writer: payload and key to waves, waves times mask to pixels."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import code, mask, plane, rehearsal
from provenance.watermark.layout import CARRIERS, ROOM, Carrier, Layout
from provenance.watermark.payload import Payload
from provenance.watermark.rendering import add_waves, modulated
from provenance.watermark.search import Hit
from provenance.watermark.view import View
from provenance.watermark.waves import Waves, grid_of


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
    return Placement(carrier % CARRIERS, (row / 2**32 * period, column / 2**32 * period), period)


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


Pixels = NDArray[Any]
Existing = Callable[[Pixels, plane.Plane, int], Pixels | None]
"""Given pixels, whitened plane and factor: the pixels without the mark they carry, or None."""


def embed(
    pixels: Pixels,
    key: bytes,
    layout: Layout,
    payload: Payload,
    policy: Policy,
    existing: Existing,
) -> Pixels:
    """Marked pixels of the same shape and type; see `TileWatermarker.embed`."""
    height, width = pixels.shape[:2]
    factor = plane.reduction(height, width)
    small = plane.luma_plane(pixels, factor)
    filters = plane.Filters(*small.shape)
    host = plane.whiten(small, filters)
    without = existing(pixels, host.plane, factor)
    if without is not None:
        pixels = without
        small = plane.luma_plane(pixels, factor)
        host = plane.whiten(small, filters)
    period = plane.tile_period(layout.tile, height, width)
    placement = place(key, payload, small, period)
    carrier = layout.carriers[placement.carrier]
    signs = codeword_signs(payload, carrier)
    masking = mask.Mask(mask.activity(small, filters, period / factor / 64))

    gain = masking.gain_for(NOMINAL_PSNR)
    strength = masking.amplitude(gain)
    view = View(layout, placement.carrier, period, placement.origin, factor)
    sizes = view.sizes(host, strength, signs, EXPECTED_NOISE)
    grid = grid_of(layout.points, coefficients(layout, carrier, signs, sizes))
    loud = masking.gain_for(policy.loudest)
    if policy.loudest < policy.faintest:
        quiet = masking.gain_for(policy.faintest)
        left = _rehearse(pixels, layout, placement, factor, grid, strength)
        gain = min(max(gain * _needed(left * signs, policy.score), quiet), loud)
    else:
        gain = loud
    waves = Waves(grid, period, placement.origin, width)
    return add_waves(pixels, waves, masking.amplitude(gain), factor)


def _rehearse(
    pixels: Pixels,
    layout: Layout,
    placement: Placement,
    factor: int,
    grid: NDArray[np.complex64],
    strength: plane.Plane,
) -> NDArray[np.float32]:
    """The quadratures that a reader will see after JPEG 50.

    Pictures beyond 1536 pixels are rehearsed at a fraction of their size, as if shrunk first.
    """
    finer = max(1, factor // 2)
    ratio = factor // finer
    luma = plane.luma_plane(pixels, finer)
    height, width = luma.shape
    middle = (finer - 1) / 2
    origin = ((placement.origin[0] - middle) / finer, (placement.origin[1] - middle) / finer)
    period = placement.period / finer
    waves = Waves(grid, period, origin, width)
    luma += modulated(waves, strength, ratio, (height, width), 0, height)
    np.clip(np.rint(luma, out=luma), 0, 255, out=luma)  # black and white keep half of a wave
    reduced = plane.shrink(rehearsal.compress(luma), ratio)
    view = View(layout, placement.carrier, period, origin, ratio)
    return view.quadratures(plane.whiten(reduced).plane)


def _needed(kept: NDArray[np.float32], score: float) -> float:
    """The change of gain at which quadratures that agree by `kept` would reach this score."""
    mean, variance = float(kept.mean()), float(kept.var())
    share = score**2 / ROOM
    return float(np.sqrt(variance * share / (1 - share)) / max(mean, 0.1))


def erase(pixels: Pixels, layout: Layout, hit: Hit, whitened: plane.Plane, factor: int) -> Pixels:
    """Take out a mark that was read from these very pixels, as far as its mask can be guessed.

    Args:
        pixels: with the mark.
        layout: of the key.
        hit: what was read, at the scale the mark was written in.
        whitened: the plane that it was read from.
        factor: of its reduction.
    """
    height, width = pixels.shape[:2]
    period = plane.tile_period(layout.tile, height, width)
    centre = [n // 2 * factor + (factor - 1) / 2 for n in whitened.shape]
    origin = (
        (hit.lock.shift[0] * period + centre[0]) % period,
        (hit.lock.shift[1] * period + centre[1]) % period,
    )
    carrier = layout.carriers[hit.lock.carrier]
    signs = codeword_signs(hit.payload, carrier)
    view = View(layout, hit.lock.carrier, period, origin, factor)
    small = plane.luma_plane(pixels, factor)
    filters = plane.Filters(*small.shape)
    masking = mask.Mask(mask.activity(small, filters, period / factor / 64))
    strength = masking.amplitude(masking.gain_for(NOMINAL_PSNR))
    sizes = view.measured(plane.whiten(small, filters), strength, signs)
    grid = grid_of(layout.points, coefficients(layout, carrier, signs, -sizes))
    return add_waves(pixels, Waves(grid, period, origin, width), strength, factor)
