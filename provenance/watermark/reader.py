"""The reader: spectrum and geometry to soft values, soft values to payload."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark import code
from provenance.watermark.layout import CARRIERS, REACH, ROOM, Layout
from provenance.watermark.payload import Payload
from provenance.watermark.spectrum import Spectrum

ORIENTATIONS = np.array(
    [
        [[1, 0], [0, 1]],
        [[1, 0], [0, -1]],
        [[-1, 0], [0, 1]],
        [[-1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[0, 1], [-1, 0]],
        [[0, -1], [1, 0]],
        [[0, -1], [-1, 0]],
    ]
)
"""The mark's axes in the picture: as written, mirrored, turned by quarters, and both."""

SHIFT_GRID = 64
"""Shifts tried along each axis of the tile; refined afterwards."""

CLIP = 3.5
"""Largest magnitude of one harmonic, in units of the noise: no single peak may decide."""

Complexes = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Lattice:
    """The spectrum at every harmonic for one geometry, in units of the picture's own noise.

    Attributes:
        square: harmonics -REACH..REACH in both axes; zero where there is none.
        noise: power of the picture itself at each lattice point, before scaling.
    """

    square: Complexes
    noise: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lock:
    """A shift that the pilots agree on.

    Attributes:
        carrier: index of the variant.
        orientation: index into ORIENTATIONS.
        sign: -1 when the picture's tones are inverted.
        shift: (row, column) as fractions of the tile.
        score: correlation of the pilots in standard deviations of noise.
    """

    carrier: int
    orientation: int
    sign: int
    shift: tuple[float, float]
    score: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """The outcome of one attempt to decode.

    Attributes:
        payload: None when the CRC fails.
        score: correlation of the soft values with the decoded word, in standard deviations.
    """

    payload: Payload | None
    score: float


def read_lattice(spectrum: Spectrum, layout: Layout, matrix: NDArray[np.float64]) -> Lattice:
    """Sample the spectrum at the mark's harmonics.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrix: 2×2, from harmonics to cycles a sample.
    """
    return lattice_of(spectrum.at(layout.points @ matrix.T), layout)


def lattice_of(values: Complexes, layout: Layout) -> Lattice:
    """As `read_lattice`, from the spectrum's values at the lattice points."""
    points = layout.points
    power = values.real**2 + values.imag**2
    noise = noise_by_radius(layout, power)
    values = (values / np.sqrt(noise)).astype(np.complex64)
    size = np.abs(values)
    values *= np.minimum(1.0, CLIP / np.maximum(size, 1e-9))
    square = np.zeros((2 * REACH + 1, 2 * REACH + 1), np.complex64)
    square[points[:, 0] + REACH, points[:, 1] + REACH] = values
    square[REACH - points[:, 0], REACH - points[:, 1]] = values.conj()
    return Lattice(square, noise)


def noise_by_radius(layout: Layout, power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean power of the empty harmonics around each harmonic's radius."""
    radius = np.hypot(layout.points[:, 0], layout.points[:, 1])
    near = _neighbourhood(radius.tobytes(), layout.empty.tobytes())
    mean: NDArray[np.float32] = near @ power[layout.empty]
    return np.maximum(mean, 1e-12)


@lru_cache(maxsize=32)
def _neighbourhood(radius: bytes, empty: bytes) -> NDArray[np.float32]:
    radii = np.frombuffer(radius, np.float64)
    away = radii[:, None] - radii[np.frombuffer(empty, np.intp)][None, :]
    weights = np.exp(-0.5 * (away / 1.5) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def find_locks(lattice: Lattice, layout: Layout, count: int) -> list[Lock]:
    """The `count` best combinations of carrier, orientation, inversion and shift."""
    points = layout.points[layout.pilots]
    pilots = np.stack([c.pilots for c in layout.carriers])
    turned = np.einsum("oij,pj->opi", ORIENTATIONS, points) + REACH
    values = lattice.square[turned[..., 0], turned[..., 1]]
    grid = np.zeros((len(ORIENTATIONS), len(pilots), SHIFT_GRID, SHIFT_GRID), np.complex64)
    grid[:, :, points[:, 0] % SHIFT_GRID, points[:, 1] % SHIFT_GRID] = (
        values[:, None, :] * pilots.conj()[None]
    )
    surface = scipy.fft.ifft2(grid, overwrite_x=True).real
    flat = surface.reshape(len(ORIENTATIONS) * len(pilots), -1)
    scale = SHIFT_GRID**2 / np.sqrt(0.5 * np.sum(np.abs(values) ** 2, axis=1) + 1e-9)
    scale = np.repeat(scale, len(pilots))
    places = np.abs(flat).argmax(axis=1)
    heights = flat[np.arange(len(flat)), places]
    ranked = np.argsort(-np.abs(heights) * scale)[:count]
    return [
        _refine(values, layout, int(index), int(places[index]), float(np.sign(heights[index])))
        for index in ranked
    ]


def _refine(values: Complexes, layout: Layout, index: int, place: int, sign: float) -> Lock:
    orientation, carrier = divmod(index, CARRIERS)
    points = layout.points[layout.pilots]
    product = values[orientation] * layout.carriers[carrier].pilots.conj()
    row, column = (place // SHIFT_GRID) / SHIFT_GRID, (place % SHIFT_GRID) / SHIFT_GRID
    step = 1.0 / SHIFT_GRID
    offsets = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), -1).reshape(-1, 2)
    best = 0.0
    for _ in range(4):
        step /= 2
        tries = np.array([row, column]) + offsets * step
        heights = sign * (np.exp(2j * np.pi * (tries @ points.T)) @ product).real
        choice = int(heights.argmax())
        row, column, best = tries[choice, 0], tries[choice, 1], float(heights[choice])
    score = best / float(np.sqrt(0.5 * np.sum(np.abs(product) ** 2)) + 1e-9)
    return Lock(carrier, orientation, int(sign), (row % 1.0, column % 1.0), score)


def quadratures(lattice: Lattice, layout: Layout, lock: Lock) -> NDArray[np.float32]:
    """Real and imaginary part of every data harmonic, turned back to the code word's axes."""
    straight = _turned(lattice, layout.points[layout.data], lock)
    straight = straight * layout.carriers[lock.carrier].turns.conj()
    result = np.empty(ROOM, np.float32)
    result[0::2], result[1::2] = straight.real, straight.imag
    return result


def pilot_values(lattice: Lattice, layout: Layout, lock: Lock) -> NDArray[np.float32]:
    """The part of every pilot that agrees with its known phase."""
    straight = _turned(lattice, layout.points[layout.pilots], lock)
    return (straight * layout.carriers[lock.carrier].pilots.conj()).real.astype(np.float32)


def _turned(lattice: Lattice, points: NDArray[np.intp], lock: Lock) -> Complexes:
    places = points @ ORIENTATIONS[lock.orientation].T + REACH
    phase = np.exp(2j * np.pi * (points @ np.array(lock.shift))) * lock.sign
    return np.asarray(lattice.square[places[:, 0], places[:, 1]] * phase, np.complex64)


def soft_values(lattice: Lattice, layout: Layout, lock: Lock) -> NDArray[np.float32]:
    """One soft value per code bit; positive means 0."""
    carrier = layout.carriers[lock.carrier]
    return (quadratures(lattice, layout, lock) * carrier.flips)[carrier.order]


def decode(soft: NDArray[np.float32], bits: int) -> list[Decoded]:
    """Decode soft values as payloads of one length.

    Args:
        soft: B×ROOM.
        bits: 64 or 128.
    """
    messages = code.decode(soft, bits + code.CRC_BITS)
    size = np.sqrt(np.sum(soft * soft, axis=1)) + 1e-9
    outcomes = []
    for message, values, norm in zip(messages, soft, size, strict=True):
        word = 1.0 - 2.0 * code.encode(message, ROOM).astype(np.float32)
        value = code.checked_value(message, bits)
        payload = None if value is None else Payload(value, bits)
        outcomes.append(Decoded(payload, float(word @ values / norm)))
    return outcomes
