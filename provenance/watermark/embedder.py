"""The writer: payload and key to waves, waves times mask to pixels."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import code, plane, reader, rehearsal, undertone
from provenance.watermark.host import Host, look
from provenance.watermark.layout import CARRIERS, ROOM, SUPER, Carrier, Layout
from provenance.watermark.mask import COARSE
from provenance.watermark.payload import Payload
from provenance.watermark.rendering import STRIP, across, add_waves, modulated
from provenance.watermark.search import Hit
from provenance.watermark.view import View, heard
from provenance.watermark.waves import Waves, grid_of


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a mark sits in one picture.

    Attributes:
        carrier: which of the variants.
        origin: (row, column) of the corner of SUPER tiles, in pixels.
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
    unit = SUPER * period / 2**32
    return Placement(carrier % CARRIERS, (row * unit, column * unit), period)


def codeword(payload: Payload) -> NDArray[np.float32]:
    """The ROOM signs that stand for a payload."""
    bits = code.encode(code.message_bits(payload.value, payload.bits), ROOM)
    return np.asarray(1.0 - 2.0 * bits, np.float32)


def codeword_signs(word: NDArray[np.float32], carrier: Carrier) -> NDArray[np.float32]:
    """The ROOM signs that a code word puts on a carrier's data harmonics."""
    signs = np.empty(ROOM, np.float32)
    signs[carrier.order] = word
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
Existing = Callable[[Host], Pixels | None]
"""Given a picture: its pixels without the mark they carry, or None when there is none."""


def embed(
    pixels: Pixels,
    key: bytes,
    layout: Layout,
    payload: Payload,
    policy: Policy,
    existing: Existing,
) -> Pixels:
    """Marked pixels of the same shape and type; see `TileWatermarker.embed`."""
    host = look(pixels, layout)
    without = existing(host)
    if without is not None:
        host = look(without, layout)
    placement = place(key, payload, host.small, host.period)
    masking = host.masking
    gain = masking.gain_for(NOMINAL_PSNR)
    strength = masking.amplitude(gain)
    view = View(layout, placement.carrier, host.period, placement.origin, host.factor)
    carrier, word = layout.carriers[placement.carrier], codeword(payload)
    grid = _waves(host, layout, view, word, carrier, strength)
    axis = layout.undertone.axis
    waves = Waves(grid, axis, SUPER * host.period, placement.origin, host.pixels.shape[:2])
    if policy.loudest < policy.faintest:
        signs = codeword_signs(word, carrier)
        left = _rehearse(host, layout, placement, grid, waves, strength)
        gain *= _needed(left * signs, policy.score)
        gain = masking.kept_between(gain, policy.loudest, policy.faintest)
    else:
        gain = masking.gain_for(policy.loudest)
    return add_waves(host.pixels, waves, masking.amplitude(gain), COARSE * host.factor)


def _waves(
    host: Host,
    layout: Layout,
    view: View,
    word: NDArray[np.float32],
    carrier: Carrier,
    strength: plane.Plane,
) -> NDArray[np.complex64]:
    """Coefficients of the whole mark on the harmonics of SUPER tiles, of unit root mean square."""
    signs = codeword_signs(word, carrier)
    loud = heard(host.white, strength)
    most, rest = math.sqrt(1 - undertone.SHARE), math.sqrt(undertone.SHARE)
    sizes = view.sizes(host.lattice, host.small.shape, most * loud, signs, EXPECTED_NOISE)
    beneath = undertone.lattice_of(host.square, layout.undertone)
    bits = view.undertone_sizes(beneath, host.small.shape, rest * loud, word, EXPECTED_NOISE)
    tone = layout.undertone
    below = np.float32(rest) * undertone.coefficients(tone, word * bits)
    above = np.float32(most) * coefficients(layout, carrier, signs, sizes)
    return grid_of(tone.points, below, tone.axis) + grid_of(tone.tile, above, tone.axis)


def _rehearse(
    host: Host,
    layout: Layout,
    placement: Placement,
    grid: NDArray[np.complex64],
    waves: Waves,
    strength: plane.Plane,
) -> NDArray[np.float32]:
    """The quadratures that a reader will see after JPEG 50.

    Pictures beyond 1792 pixels are rehearsed at a fraction of their size, as if shrunk first.
    """
    finer = host.finer
    ratio = host.factor // finer
    height, width = host.luma.shape
    middle = (finer - 1) / 2
    origin = ((placement.origin[0] - middle) / finer, (placement.origin[1] - middle) / finer)
    period = host.period / finer
    if finer > 1:
        waves = Waves(grid, layout.undertone.axis, SUPER * period, origin, (height, width))
    known = waves.whole()
    wide = across(strength, COARSE * ratio, width)
    reduced = np.empty((height // ratio, width // ratio), np.float32)
    strip = rehearsal.BLOCK * ratio * max(1, STRIP // (rehearsal.BLOCK * ratio * width))
    for start in range(0, height, strip):
        local = modulated(known[start : start + strip], wide, COARSE * ratio, start)
        local += host.luma[start : start + strip]
        np.clip(np.rint(local, out=local), 0, 255, out=local)  # black and white keep half a wave
        seen = rehearsal.compress(local, ratio)
        reduced[start // ratio : start // ratio + len(seen)] = seen
    view = View(layout, placement.carrier, period, origin, ratio)
    return view.quadratures(plane.whiten(reduced).plane)


def _needed(kept: NDArray[np.float32], score: float) -> float:
    """The change of gain at which quadratures that agree by `kept` would reach this score."""
    mean, variance = float(kept.mean()), float(kept.var())
    share = score**2 / ROOM
    return float(np.sqrt(variance * share / (1 - share)) / max(mean, 0.1))


def erase(host: Host, layout: Layout, hit: Hit) -> Pixels:
    """Take out a mark that was read from these very pixels, as far as its mask can be guessed.

    Args:
        host: the picture with the mark.
        layout: of the key.
        hit: what was read, at the scale the mark was written in.
    """
    carrier, tone = layout.carriers[hit.lock.carrier], layout.undertone
    strength = host.masking.amplitude(host.masking.gain_for(NOMINAL_PSNR))
    word = codeword(hit.payload)
    signs = codeword_signs(word, carrier)
    origin = _origin(host, hit.lock, 1)
    view = View(layout, hit.lock.carrier, host.period, origin, host.factor)
    sizes = view.measured(host.lattice, host.small.shape, heard(host.white, strength), signs)
    values = coefficients(layout, carrier, signs, sizes)
    share = undertone.SHARE / (1 - undertone.SHARE)
    loudness = np.float32(np.sqrt(share * 2 * np.sum(np.abs(values) ** 2)))
    below = loudness * undertone.coefficients(tone, word)
    corner = _origin(
        host, undertone.find_lock(undertone.lattice_of(host.square, tone), tone), SUPER
    )
    # Waves of the tile as seen from the other corner.
    away = (np.array(corner) - origin) / host.period
    values = values * np.exp(2j * np.pi * (layout.points @ away)).astype(np.complex64)
    grid = grid_of(tone.points, -below, tone.axis) - grid_of(tone.tile, values, tone.axis)
    waves = Waves(grid, tone.axis, SUPER * host.period, corner, host.pixels.shape[:2])
    return add_waves(host.pixels, waves, strength, COARSE * host.factor)


def _origin(host: Host, lock: reader.Lock, tiles: int) -> tuple[float, float]:
    """Where the corner of so many tiles lies, in pixels, by a lock on this picture's own plane."""
    centre = [n // 2 * host.factor + (host.factor - 1) / 2 for n in host.small.shape]
    row, column = (s * tiles * host.period + c for s, c in zip(lock.shift, centre, strict=True))
    return row, column
