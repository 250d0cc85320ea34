"""From the key to the mark: which harmonics of the tile carry what, for each of 16 carriers.

A mark is a sum of plane waves k/P, where P is the tile's period in pixels and k an integer
vector with 8 <= |k| <= 19. The key picks about two thirds of these vectors (the constellation);
the rest stay empty and tell the reader how loud the picture itself is. Bits change only phases,
so the constellation's magnitudes are known to the reader: they give scale and rotation.

Sixteen carriers share the constellation and differ in every phase and in the order of the code
bits; the writer picks one per picture. Beneath them lies the undertone: thousands of fainter waves
whose common period is eight tiles each way, so that no two tiles of a usual picture are alike and
nobody can average it out of one. All come from SHAKE-256 over the key and a label, so a mark
depends on no random generator of any library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

INNER, OUTER = 8.0, 19.0
"""Radii of the annulus in cycles a tile: 0.06 to 0.15 cycles a pixel for a 128-pixel tile."""

REACH = 19
"""Largest component of a harmonic."""

DATA = 220
"""Harmonics that carry code bits, two each."""

PILOTS = 60
"""Harmonics of known phase, which give the shift."""

ROOM = 2 * DATA
"""Code bits in a mark."""

CARRIERS = 16

SUPER = 8
"""Side of the undertone's period, in tiles: as large as a picture of 1024 pixels."""

AXIS = 77
"""Frequencies along one axis, 0 and those of the tile included, that the key lets the undertone
use: about half of all, so a quarter of its harmonics; nobody else knows which."""

UNDERTONE_DATA = 0.75
"""Share of the undertone's harmonics that carry code bits; the others are pilots."""

TILES = (120.0, 136.0)
"""Range of the period of the tile, in pixels, in pictures up to 1024×1024."""

KEY_BYTES = 32


@lru_cache(maxsize=4)
def lattice(tiles: int = 1) -> NDArray[np.intp]:
    """All candidate harmonics of a period of so many tiles, one of each pair k and -k.

    Returns:
        N×2 of (row, column), by radius.
    """
    return _annulus(np.arange(-REACH * tiles, REACH * tiles + 1), tiles)


def _annulus(side: NDArray[np.intp], tiles: int) -> NDArray[np.intp]:
    rows, columns = (a.ravel() for a in np.meshgrid(side, side, indexing="ij"))
    upper = (rows > 0) | ((rows == 0) & (columns > 0))
    radius = np.hypot(rows, columns)
    keep = upper & (radius >= INNER * tiles) & (radius <= OUTER * tiles)
    points = np.stack([rows[keep], columns[keep]], axis=1)
    order = np.lexsort((points[:, 1], points[:, 0], radius[keep].round(6)))
    return points[order]


class _Stream:
    """Uniform integers from SHAKE-256(key, label)."""

    def __init__(self, key: bytes, label: str) -> None:
        self._seed = hashlib.shake_256(b"provenance-kit tile 1\0" + key + b"\0" + label.encode())

    def words(self, count: int) -> NDArray[np.uint64]:
        """`count` 64-bit words."""
        return np.frombuffer(self._seed.digest(8 * count), "<u8").astype(np.uint64)

    def permutation(self, count: int) -> NDArray[np.intp]:
        """A permutation of range(count)."""
        return np.argsort(self.words(count), kind="stable").astype(np.intp)

    def angles(self, count: int) -> NDArray[np.float64]:
        """Angles in [0, 2 pi)."""
        return self.words(count).astype(np.float64) * (2 * np.pi / 2.0**64)


@dataclass(frozen=True, slots=True)
class Carrier:
    """One of the sixteen variants of the mark.

    Attributes:
        pilots: PILOTS unit complex numbers, the pilots' phases.
        turns: DATA unit complex numbers, turning each data harmonic.
        order: where each of the ROOM code bits goes: position 2 h is the real, 2 h + 1 the
            imaginary part of data harmonic h.
        flips: ROOM signs, +1 or -1, that whiten the code word.
    """

    pilots: NDArray[np.complex64]
    turns: NDArray[np.complex64]
    order: NDArray[np.intp]
    flips: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Undertone:
    """The waves beneath the constellation, none of which has the tile's own period.

    Attributes:
        axis: the AXIS frequencies, rising, in cycles in SUPER tiles.
        waves: harmonics of a period of SUPER tiles, N×2, by radius.
        points: the same with places in `axis` for frequencies, their sign kept.
        tile: the constellation's points in the same terms.
        data: indices into `points` of those that carry code bits.
        pilots: the same for pilots.
        phases: unit complex numbers, the pilots' phases.
        turns: unit complex numbers, turning each data harmonic.
        order: for each repetition, where the ROOM code bits go, as in `Carrier`.
        flips: a sign for each place.
    """

    axis: NDArray[np.intp]
    waves: NDArray[np.intp]
    points: NDArray[np.intp]
    tile: NDArray[np.intp]
    data: NDArray[np.intp]
    pilots: NDArray[np.intp]
    phases: NDArray[np.complex64]
    turns: NDArray[np.complex64]
    order: NDArray[np.intp]
    flips: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layout:
    """The constellation of a key, with its carriers.

    Attributes:
        points: the lattice, N×2.
        data: indices into `points` of the data harmonics.
        pilots: the same for pilots.
        empty: the same for harmonics left empty.
        carriers: the variants.
        undertone: what lies beneath, the same for all carriers.
        tile: period in pixels, in pictures up to 1024×1024. It differs from key to key, so that
            marks of two keys fall on different frequencies and both stay readable.
    """

    points: NDArray[np.intp]
    data: NDArray[np.intp]
    pilots: NDArray[np.intp]
    empty: NDArray[np.intp]
    carriers: tuple[Carrier, ...]
    undertone: Undertone
    tile: float


def make_layout(key: bytes) -> Layout:
    """Derive the layout of a key; equal keys give equal layouts on every platform.

    Roles are dealt within groups of neighbouring radius, so that pilots, data and empty
    harmonics see the same frequencies.
    """
    points = lattice()
    total = len(points)
    shuffle = _Stream(key, "constellation").words(total)
    group = np.arange(total) // 16
    ranked = np.lexsort((shuffle, group))
    # Error diffusion deals roles in their overall proportion along the shuffled, grouped order.
    roles = np.empty(total, np.intp)
    owed = np.zeros(3)
    share = np.array([DATA, PILOTS, total - DATA - PILOTS]) / total
    left = np.array([DATA, PILOTS, total - DATA - PILOTS])
    for position in ranked:
        owed += share
        role = int(np.argmax(np.where(left > 0, owed, -np.inf)))
        owed[role] -= 1
        left[role] -= 1
        roles[position] = role
    carriers = tuple(_make_carrier(key, index) for index in range(CARRIERS))
    data, pilots, empty = (np.flatnonzero(roles == role) for role in range(3))
    place = _Stream(key, "tile").words(1)[0] / 2.0**64
    tile = TILES[0] + (TILES[1] - TILES[0]) * float(place)
    return Layout(points, data, pilots, empty, carriers, _make_undertone(key), tile)


def _make_carrier(key: bytes, index: int) -> Carrier:
    return Carrier(
        _units(key, f"pilot phases {index}", PILOTS),
        _units(key, f"data phases {index}", DATA),
        _Stream(key, f"order {index}").permutation(ROOM),
        _signs(key, f"flips {index}", ROOM),
    )


def _make_undertone(key: bytes) -> Undertone:
    own = SUPER * np.arange(REACH + 1)
    others = np.setdiff1d(np.arange(REACH * SUPER), own)
    taken = _Stream(key, "undertone axis").permutation(len(others))[: AXIS - len(own)]
    axis = np.sort(np.concatenate([own, others[taken]]))
    waves = _annulus(np.concatenate([-axis[:0:-1], axis]), SUPER)
    waves = waves[(waves % SUPER).any(axis=1)]
    points, tile = (
        np.sign(w) * np.searchsorted(axis, np.abs(w)) for w in (waves, SUPER * lattice())
    )
    repeats = int(UNDERTONE_DATA * len(points)) // DATA
    ranked = _Stream(key, "undertone").permutation(len(points))
    data, pilots = np.sort(ranked[: repeats * DATA]), np.sort(ranked[repeats * DATA :])
    order = [
        _Stream(key, f"undertone order {index}").permutation(ROOM) + index * ROOM
        for index in range(repeats)
    ]
    return Undertone(
        axis,
        waves,
        points,
        tile,
        data,
        pilots,
        _units(key, "undertone pilot phases", len(pilots)),
        _units(key, "undertone data phases", len(data)),
        np.stack(order),
        _signs(key, "undertone flips", 2 * len(data)),
    )


def _units(key: bytes, label: str, count: int) -> NDArray[np.complex64]:
    units = np.exp(1j * _Stream(key, label).angles(count))
    return np.asarray(units, np.complex64)


def _signs(key: bytes, label: str, count: int) -> NDArray[np.float32]:
    odd = (_Stream(key, label).words(count) & np.uint64(1)).astype(np.float32)
    return np.asarray(1.0 - 2.0 * odd, np.float32)
