"""The fainter part of the mark, which does not repeat within a picture.

The constellation repeats with the tile, so whoever knows the tile's size can average it out of a
single picture and subtract it. The undertone says the same code word in thousands of waves that
have eight tiles for their period: to take it out, nearly everything of these frequencies must go.
It has pilots of its own, and is read where the constellation is gone and the geometry is as
written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import harmonics
from provenance.watermark.layout import SUPER, Undertone
from provenance.watermark.reader import Lattice, Lock, best_locks, interleaved, scaled, straight

SHARE = 0.15
"""Of the mark's energy. With less, marks that lost their constellation begin to be lost."""

GRID = 320
"""Shifts tried along each axis of the undertone's period."""

GROUP = 96
"""Harmonics of neighbouring radius whose mean power is taken for the picture's."""

Floats = NDArray[np.float32]


def read_upright(plane: Floats, undertone: Undertone, step: float) -> Lattice:
    """The undertone's harmonics in units of the picture's own noise.

    Args:
        plane: whitened.
        undertone: of the key.
        step: cycles a sample of the tile's first harmonic.
    """
    square = harmonics.sums(plane, step / SUPER, undertone.axis)
    return lattice_of(square, undertone)


def lattice_of(square: harmonics.Complexes, undertone: Undertone) -> Lattice:
    """As `read_upright`, from the sums at all harmonics of the period."""
    values = harmonics.pick(square, undertone.points)
    power = values.real**2 + values.imag**2
    # Each wave is far fainter than the picture there, so all of them tell the picture's power.
    whole = len(power) // GROUP * GROUP
    level = power[:whole].reshape(-1, GROUP).mean(axis=1)
    middle = np.arange(len(level)) * GROUP + (GROUP - 1) / 2
    noise = np.interp(np.arange(len(power)), middle, level).astype(np.float32)
    noise = np.maximum(noise, np.float32(1e-12))
    return scaled(values, noise, undertone.points, len(undertone.axis) - 1)


def find_lock(lattice: Lattice, undertone: Undertone) -> Lock:
    """The best combination of orientation, inversion and shift, in shares of SUPER tiles."""
    points, waves = undertone.points[undertone.pilots], undertone.waves[undertone.pilots]
    return best_locks(lattice.square, points, waves, undertone.phases[None], GRID, 1)[0]


def soft_values(lattice: Lattice, undertone: Undertone, lock: Lock) -> Floats:
    """One soft value per code bit, the sum of all its repetitions; positive means 0."""
    points, waves = undertone.points[undertone.data], undertone.waves[undertone.data]
    seen = straight(lattice, points, waves, lock) * undertone.turns.conj()
    return summed(interleaved(seen), undertone)


def summed(places: Floats, undertone: Undertone) -> Floats:
    """For each code bit, the sum over its places; signs that whiten the word are taken off."""
    return np.asarray((places * undertone.flips)[undertone.order].sum(axis=0), np.float32)


def coefficients(undertone: Undertone, word: Floats) -> harmonics.Complexes:
    """Complex amplitude of every harmonic, of unit root mean square in the picture.

    Args:
        undertone: of the key.
        word: ROOM values: a sign for each code bit times its size.
    """
    places = np.empty(undertone.order.size, np.float32)
    places[undertone.order] = word
    places *= undertone.flips / np.sqrt(2)
    values = np.empty(len(undertone.points), np.complex64)
    values[undertone.data] = places.view(np.complex64) * undertone.turns
    values[undertone.pilots] = undertone.phases
    energy = 2 * np.sum(values.real**2 + values.imag**2)
    return np.asarray(values / np.sqrt(energy), np.complex64)
