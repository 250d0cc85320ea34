"""The order in which a reader tries geometries, from the likely and cheap to the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import geometry, plane, reader, undertone
from provenance.watermark.affine import AffineMap, climb
from provenance.watermark.calibration import false_positive_rate
from provenance.watermark.geometry import AxisMap, Matrix, PolarMap
from provenance.watermark.layout import Layout
from provenance.watermark.payload import SIZES, Payload
from provenance.watermark.refinement import refine
from provenance.watermark.spectrum import Spectrum

LOCK_SCORE = 5.0
"""Pilot correlation below which decoding is not tried; noise alone gives 4.5 to 5.5."""

UNDERTONE_SCORE = 5.5
"""The same for the undertone, of whose shifts more are tried."""

UNDERTONE_HANDICAP = 0.2
"""Taken off its scores: noise scores higher there by 0.14 at most (upper 95 % bound; "undertone" in
metrics.json), and the tails in use are the constellation's."""

ROUGH_SCORE = 2.5
"""Constellation score below which a roughly refined geometry is dropped."""

REFINED_SCORE = 3.0
"""The same after exact refinement. The 391 marks found so on tuning pictures under hard edits had
at least 4.9 both times, half of all other candidates less than 3.3; the margin is for pictures
that are harder still."""

UPRIGHT_SCORE = 2.3
"""Correlation below which a geometry without rotation is not refined; those marks had 3.2."""

STRETCHED_SCORE = 4.4
"""The same for stretched geometries; those marks had 4.9."""

SHEARED_SCORE = 4.7
"""The same for sheared ones, which cost most; noise alone gives 4.2 to 4.8."""

COARSE_SIDE = 200
"""Shorter side from which a plane is also searched at half its resolution."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A payload that passed its CRC and the threshold.

    Attributes:
        payload: what it says.
        score: correlation with the code word, in standard deviations of noise.
        lock: carrier, orientation and shift.
        matrix: from harmonics to cycles a pixel of the picture given.
        method: which step of the search found it.
    """

    payload: Payload
    score: float
    lock: reader.Lock
    matrix: Matrix
    method: str


@dataclass(slots=True)
class Trace:
    """What a search did, for its report and for calibration.

    Attributes:
        scores: score of every word decoded, by payload length; each was an attempt.
    """

    scores: dict[int, list[float]] = field(default_factory=lambda: {bits: [] for bits in SIZES})

    @property
    def attempts(self) -> int:
        """Words decoded, of all lengths."""
        return sum(map(len, self.scores.values()))


class Plans:
    """What the search needs of a key, made once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.polar = PolarMap(layout)
        self.axes = AxisMap(layout)
        self.affine = AffineMap(layout)


class Search:
    """One picture's search; words decoded add up in `trace`.

    Args:
        plans: of the key.
        limit: largest false-positive rate of an accepted word.
    """

    def __init__(self, plans: Plans, limit: float) -> None:
        self.trace = Trace()
        self._plans = plans
        self._limit = limit

    def as_written(self, whitened: plane.Plane, step: float, factor: int) -> Hit | None:
        """A mark whose scale and axes are still those it was written with.

        Args:
            whitened: the plane that is read.
            step: cycles a sample of the tile's first harmonic.
            factor: of the plane's reduction.
        """
        lattice = reader.read_upright(whitened, self._plans.layout, step)
        return self.in_lattice(lattice, np.eye(2) * step, factor, "as written")

    def undertone(self, whitened: plane.Plane, step: float, factor: int) -> Hit | None:
        """The same, for a mark of which only the undertone is left."""
        tone = self._plans.layout.undertone
        lattice = undertone.read_upright(whitened, tone, step)
        lock = undertone.find_lock(lattice, tone)
        if lock.score < UNDERTONE_SCORE:
            return None
        soft = undertone.soft_values(lattice, tone, lock)[None]
        matrix = np.eye(2) * step
        return self._words(soft, [lock], matrix, factor, "undertone", UNDERTONE_HANDICAP)

    def elsewhere(self, reduced: plane.Plane, whitened: plane.Plane, factor: int) -> Hit | None:
        """The first acceptable word of any other geometry, the likely ones first.

        Args:
            reduced: luma, reduced by `factor`.
            whitened: the same, whitened.
            factor: of the reduction.
        """
        spectrum = Spectrum(whitened)
        ratio = geometry.relative_power(spectrum)
        for geometries in (_rotated, _stretched, _sheared):
            hit = self._first(spectrum, geometries(spectrum, ratio, self._plans), factor)
            if hit is not None:
                return hit
        if min(reduced.shape) < COARSE_SIDE:
            return None
        return self.at_another_resolution(plane.shrink(reduced, 2), 2 * factor)

    def at_another_resolution(self, reduced: plane.Plane, factor: int) -> Hit | None:
        """A mark of any angle and scale, the scale seen from planes of another resolution.

        Pictures that were blown up are best whitened at the resolution they had before; small
        pictures in a large page, at a finer one than the page's.
        """
        spectrum = Spectrum(plane.whiten(reduced).plane)
        ratio = geometry.relative_power(spectrum)
        return self._first(spectrum, _rotated(spectrum, ratio, self._plans), factor)

    def _first(
        self, spectrum: Spectrum, geometries: Iterator[tuple[str, Matrix]], factor: int
    ) -> Hit | None:
        for method, matrix in geometries:
            hit = self._decode(spectrum, matrix, factor, method)
            if hit is not None:
                return hit
        return None

    def _decode(self, spectrum: Spectrum, matrix: Matrix, factor: int, method: str) -> Hit | None:
        lattice = reader.read_lattice(spectrum, self._plans.layout, matrix)
        return self.in_lattice(lattice, matrix, factor, method)

    def in_lattice(
        self, lattice: reader.Lattice, matrix: Matrix, factor: int, method: str
    ) -> Hit | None:
        """A mark in harmonics that were read already.

        Args:
            lattice: of the plane.
            matrix: from harmonics to cycles a sample of the plane.
            factor: of the plane's reduction.
            method: for the report.
        """
        layout = self._plans.layout
        locks = [k for k in reader.find_locks(lattice, layout, 2) if k.score >= LOCK_SCORE]
        if not locks:
            return None
        soft = np.stack([reader.soft_values(lattice, layout, lock) for lock in locks])
        return self._words(soft, locks, matrix, factor, method)

    def _words(
        self,
        soft: NDArray[np.float32],
        locks: list[reader.Lock],
        matrix: Matrix,
        factor: int,
        method: str,
        handicap: float = 0.0,
    ) -> Hit | None:
        for bits in SIZES:
            for lock, outcome in zip(locks, reader.decode(soft, bits), strict=True):
                score = outcome.score - handicap
                self.trace.scores[bits].append(score)
                if outcome.payload is None:
                    continue
                if false_positive_rate(score, bits) <= self._limit:
                    return Hit(outcome.payload, score, lock, matrix / factor, method)
        return None


def _rotated(
    spectrum: Spectrum, ratio: geometry.Floats, plans: Plans
) -> Iterator[tuple[str, Matrix]]:
    turned, upright = plans.polar.search(ratio, spectrum, 3)
    for candidate in turned:
        exact = _refined(spectrum, plans.layout, candidate.matrix, (0, 1), (0.002, 4))
        if exact is not None:
            yield "rotated", exact
    for candidate in upright:
        if candidate.score < UPRIGHT_SCORE:
            break
        exact = _refined(spectrum, plans.layout, candidate.matrix, (0,), (0.001, 2), (0, 2))
        if exact is not None:
            yield "scaled", exact


def _stretched(
    spectrum: Spectrum, ratio: geometry.Floats, plans: Plans
) -> Iterator[tuple[str, Matrix]]:
    for candidate in plans.axes.search(ratio, spectrum, 2):
        if candidate.score < STRETCHED_SCORE:
            break
        exact = _refined(spectrum, plans.layout, candidate.matrix, (0, 2), (0.001, 2))
        if exact is not None:
            yield "stretched", exact


def _sheared(
    spectrum: Spectrum, ratio: geometry.Floats, plans: Plans
) -> Iterator[tuple[str, Matrix]]:
    for candidate in plans.affine.search(ratio, spectrum, 3):
        if candidate.score < SHEARED_SCORE:
            break
        exact = climb(spectrum, ratio, plans.layout, candidate.matrix)
        if exact.score >= REFINED_SCORE:
            yield "sheared", exact.matrix


def _refined(
    spectrum: Spectrum,
    layout: Layout,
    matrix: Matrix,
    freedom: tuple[int, ...],
    last: tuple[float, int],
    free_last: tuple[int, ...] = (0, 1, 2, 3),
) -> Matrix | None:
    """The exact geometry near a candidate, or None when the constellation is not there.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrix: the candidate.
        freedom: what may change at first, see `refine`.
        last: step and rounds of the last refinement.
        free_last: what may change then.
    """
    rough = refine(spectrum, layout, matrix, 0.004, 4, freedom)
    if rough.score < ROUGH_SCORE:
        return None
    exact = refine(spectrum, layout, rough.matrix, *last, free_last)
    return exact.matrix if exact.score >= REFINED_SCORE else None
