"""What a reader will see of a picture whose geometry and mark are known: the writer's mirror."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import plane, reader, shaping, undertone
from provenance.watermark.layout import SUPER, Layout
from provenance.watermark.mask import COARSE

Floats = NDArray[np.float32]


def heard(host: plane.Whitened, strength: Floats) -> float:
    """Levels of a mark that are left after whitening, on average.

    Args:
        host: the picture it is written into.
        strength: root mean square of the waves at each sample of the mask, in levels.
    """
    return float(np.mean(plane.shrink(host.weight, COARSE) * strength))


class View:
    """Reads planes that are `factor` times smaller than the picture, at a known placement.

    Args:
        layout: of the key.
        carrier: index of the variant in use.
        period: of the tile, in pixels of the picture.
        origin: of SUPER tiles, in pixels of the picture.
        factor: pixels of the picture per sample of the plane.
    """

    def __init__(
        self,
        layout: Layout,
        carrier: int,
        period: float,
        origin: tuple[float, float],
        factor: int,
    ) -> None:
        self._layout = layout
        self._carrier = carrier
        self._period = period
        self._origin = origin
        self.factor = factor

    def _lock(self, shape: tuple[int, ...], tiles: int = 1) -> reader.Lock:
        centre = [n // 2 * self.factor + (self.factor - 1) / 2 for n in shape]
        row, column = (
            (o - c) / (tiles * self._period) % 1.0
            for o, c in zip(self._origin, centre, strict=True)
        )
        return reader.Lock(self._carrier, 0, 1, (row, column), 0.0)

    def quadratures(self, seen: plane.Plane) -> Floats:
        """Real and imaginary part of each data harmonic in a whitened plane, in noise units."""
        lattice = reader.read_upright(seen, self._layout, self.factor / self._period)
        return reader.quadratures(lattice, self._layout, self._lock(seen.shape))

    def sizes(
        self,
        lattice: reader.Lattice,
        shape: tuple[int, ...],
        loud: float,
        signs: Floats,
        other: float,
    ) -> Floats:
        """Sizes of all quadratures, then of all pilots, that suit this picture.

        Args:
            lattice: of the picture without a mark.
            shape: of the plane.
            loud: from `heard`.
            signs: of the code word, for each quadrature.
            other: variance of noise besides the picture, in units of the picture's.

        Returns:
            ROOM + PILOTS values; the waves they give have unit root mean square.
        """
        lock = self._lock(shape)
        layout = self._layout
        data, pilots = self._effects(lattice, shape, loud)
        return self._scaled(
            shaping.sizes(reader.quadratures(lattice, layout, lock) * signs, data, other),
            shaping.sizes(reader.pilot_values(lattice, layout, lock), pilots, other),
        )

    def undertone_sizes(
        self,
        lattice: reader.Lattice,
        shape: tuple[int, ...],
        loud: float,
        word: Floats,
        other: float,
    ) -> Floats:
        """As `sizes`, one for each bit of the code word, for the undertone's lattice."""
        tone = self._layout.undertone
        own = undertone.soft_values(lattice, tone, self._lock(shape, SUPER))
        effect = self._effect(tone.waves / SUPER, lattice, shape, loud)
        effect *= np.float32(1 / np.sqrt(2 * len(tone.points)))
        each = np.repeat(effect[tone.data], 2) / np.float32(np.sqrt(2))
        return shaping.sizes(own * word, each[tone.order].sum(axis=0), other * len(tone.order))

    def measured(
        self, lattice: reader.Lattice, shape: tuple[int, ...], loud: float, signs: Floats
    ) -> Floats:
        """Sizes of the quadratures and pilots of a mark that is there, all at their mean.

        Args:
            lattice: of the picture with the mark.
            shape: of the plane.
            loud: from `heard`, for the mask to express the sizes in.
            signs: of its code word.
        """
        lock = self._lock(shape)
        data, pilots = self._effects(lattice, shape, loud)
        seen = reader.quadratures(lattice, self._layout, lock) * signs
        known = reader.pilot_values(lattice, self._layout, lock)
        return self._scaled(
            np.full(len(data), seen.sum() / data.sum(), np.float32),
            np.full(len(pilots), known.sum() / pilots.sum(), np.float32),
        )

    def _effects(
        self, lattice: reader.Lattice, shape: tuple[int, ...], loud: float
    ) -> tuple[Floats, Floats]:
        """What a size of 1 adds to each quadrature and each pilot."""
        layout = self._layout
        effect = self._effect(layout.points, lattice, shape, loud) * self._each
        data = np.asarray(np.repeat(effect[layout.data], 2) / np.sqrt(2), np.float32)
        return data, np.asarray(effect[layout.pilots], np.float32)

    def _effect(
        self,
        points: NDArray[np.generic],
        lattice: reader.Lattice,
        shape: tuple[int, ...],
        loud: float,
    ) -> Floats:
        """What a wave of amplitude 1 adds to the lattice at each point, given in harmonics."""
        radius = np.hypot(points[:, 0], points[:, 1]) * self.factor / self._period
        passed = plane.prewhitening(radius.astype(np.float32)) / np.sqrt(lattice.noise)
        return np.asarray(math.prod(shape) * loud * passed, np.float32)

    def _scaled(self, data: Floats, pilots: Floats) -> Floats:
        """Sizes as amplitudes: ROOM, then PILOTS, with unit root mean square if theirs is 1."""
        parts = [data * self._each / np.sqrt(2), pilots * self._each]
        return np.concatenate(parts).astype(np.float32)

    @property
    def _each(self) -> np.float32:
        used = len(self._layout.data) + len(self._layout.pilots)
        return np.float32(1 / np.sqrt(2 * used))
