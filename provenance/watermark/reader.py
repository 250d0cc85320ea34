"""The reader: spectrum and geometry to soft values, soft values to payload."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark import code, harmonics
from provenance.watermark.layout import REACH, ROOM, Layout
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
        square: harmonics -reach..reach in both axes; zero where there is none.
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


def read_upright(plane: NDArray[np.float32], layout: Layout, step: float) -> Lattice:
    """As `read_lattice`, for the harmonics of an upright tile.

    Args:
        plane: whitened.
        layout: of the key.
        step: cycles a sample of the first harmonic.
    """
    square = harmonics.sums(plane, step, np.arange(REACH + 1))
    return lattice_of(harmonics.pick(square, layout.points), layout)


def lattice_of(values: Complexes, layout: Layout) -> Lattice:
    """As `read_lattice`, from the spectrum's values at the lattice points."""
    power = values.real**2 + values.imag**2
    return scaled(values, noise_by_radius(layout, power), layout.points, REACH)


def scaled(
    values: Complexes, noise: NDArray[np.float32], points: NDArray[np.intp], reach: int
) -> Lattice:
    """Values in units of the noise at N×2 harmonics, their largest clipped."""
    values = (values / np.sqrt(noise)).astype(np.complex64)
    values *= np.minimum(1.0, CLIP / np.maximum(np.abs(values), 1e-9))
    square = np.zeros((2 * reach + 1, 2 * reach + 1), np.complex64)
    square[points[:, 0] + reach, points[:, 1] + reach] = values
    square[reach - points[:, 0], reach - points[:, 1]] = values.conj()
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
    phases = np.stack([carrier.pilots for carrier in layout.carriers])
    pilots = layout.points[layout.pilots]
    return best_locks(lattice.square, pilots, pilots, phases, SHIFT_GRID, count)


def best_locks(
    square: Complexes,
    points: NDArray[np.intp],
    waves: NDArray[np.intp],
    phases: Complexes,
    grid: int,
    count: int,
) -> list[Lock]:
    """As `find_locks`, for any pilots.

    Args:
        square: of a `Lattice`.
        points: N×2, the pilots' places in the square, from its middle, with row >= 0.
        waves: N×2, their harmonics.
        phases: C×N, for each of C carriers the pilots' unit complex numbers.
        grid: shifts tried along each axis, more than twice the largest component.
        count: of locks.
    """
    reach = len(square) // 2
    turned = np.einsum("oij,pj->opi", ORIENTATIONS, points) + reach
    values = square[turned[..., 0], turned[..., 1]]
    carriers = len(phases)
    # Half a transform is enough: harmonics in its other half count by their conjugates there.
    columns = int(np.abs(waves[:, 1]).max()) + 1
    half = np.zeros((len(ORIENTATIONS), carriers, grid, columns), np.complex64)
    products = values[:, None, :] * phases.conj()[None]
    right, left = waves[:, 1] >= 0, waves[:, 1] <= 0
    half[:, :, waves[right, 0], waves[right, 1]] = products[..., right]
    half[:, :, -waves[left, 0] % grid, -waves[left, 1]] = products[..., left].conj()
    surface = scipy.fft.irfft(scipy.fft.ifft(half, axis=2, overwrite_x=True), n=grid)
    flat = surface.reshape(len(ORIENTATIONS) * carriers, -1)
    scale = np.repeat(1 / np.sqrt(np.sum(np.abs(values) ** 2, axis=1) + 1e-9), carriers)
    highest, lowest = flat.argmax(axis=1), flat.argmin(axis=1)
    each = np.arange(len(flat))
    above = flat[each, highest] >= -flat[each, lowest]
    places = np.where(above, highest, lowest)
    ranked = np.argsort(-np.abs(flat[each, places]) * scale, kind="stable")[:count]
    locks = []
    for index in ranked.tolist():
        orientation, carrier = divmod(index, carriers)
        sign = 1 if above[index] else -1
        place = divmod(int(places[index]), grid)
        shift, score = _climb(products[orientation, carrier] * sign, waves, place, grid)
        locks.append(Lock(carrier, orientation, sign, shift, score))
    return locks


def _climb(
    product: Complexes, waves: NDArray[np.intp], place: tuple[int, int], grid: int
) -> tuple[tuple[float, float], float]:
    """From a place of the grid of shifts to the best shift near it, and its score."""
    shift = np.array(place) / grid
    step, best = 1.0 / grid, 0.0
    offsets = np.array([-1.0, 0.0, 1.0])
    for _ in range(4):
        step /= 2
        rows, columns = (
            np.exp(2j * np.pi * np.outer(shift[axis] + offsets * step, waves[:, axis]))
            for axis in (0, 1)
        )
        heights = ((rows * product) @ columns.T).real
        row, column = divmod(int(heights.argmax()), 3)
        shift = shift + np.array([row - 1, column - 1]) * step
        best = float(heights[row, column])
    score = best / float(np.sqrt(0.5 * np.sum(np.abs(product) ** 2)) + 1e-9)
    return (float(shift[0] % 1.0), float(shift[1] % 1.0)), score


def quadratures(lattice: Lattice, layout: Layout, lock: Lock) -> NDArray[np.float32]:
    """Real and imaginary part of every data harmonic, turned back to the code word's axes."""
    carrier = layout.carriers[lock.carrier]
    points = layout.points[layout.data]
    return interleaved(straight(lattice, points, points, lock) * carrier.turns.conj())


def pilot_values(lattice: Lattice, layout: Layout, lock: Lock) -> NDArray[np.float32]:
    """The part of every pilot that agrees with its known phase."""
    points = layout.points[layout.pilots]
    seen = straight(lattice, points, points, lock)
    return (seen * layout.carriers[lock.carrier].pilots.conj()).real.astype(np.float32)


def interleaved(values: Complexes) -> NDArray[np.float32]:
    """Real and imaginary parts, by turns."""
    return np.ascontiguousarray(values).view(np.float32)


def straight(
    lattice: Lattice, points: NDArray[np.intp], waves: NDArray[np.intp], lock: Lock
) -> Complexes:
    """The harmonics `waves`, at `points` of the square, with orientation, shift and sign undone."""
    places = points @ ORIENTATIONS[lock.orientation].T + len(lattice.square) // 2
    phase = np.exp(2j * np.pi * (waves @ np.array(lock.shift))) * lock.sign
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
