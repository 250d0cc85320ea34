"""The order in which a reader tries geometries, from the likely and cheap to the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from provenance.watermark import geometry, plane, reader
from provenance.watermark.affine import AffineMap, climb
from provenance.watermark.geometry import AxisMap, Matrix, PolarMap
from provenance.watermark.layout import Layout
from provenance.watermark.payload import Payload
from provenance.watermark.spectrum import Spectrum

LOCK_SCORE = 5.0
"""Pilot correlation below which decoding is not tried; noise alone gives 4.5 to 5.5."""

REFINED_SCORE = 3.0
"""Constellation score below which a refined geometry is dropped."""

LEAST_SCORE = 2.0
"""The same for the most likely geometry."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A payload that passed its CRC.

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
        attempts: words decoded; each had a chance to be a false positive.
        best: highest score of any word, CRC or not.
        scores: score of every word.
    """

    attempts: int = 0
    best: float = 0.0
    scores: list[float] = field(default_factory=list)


class Plans:
    """What the search needs of a key, made once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.polar = PolarMap(layout)
        self.axes = AxisMap(layout)
        self.affine = AffineMap(layout)


def find(pixels_plane: plane.Plane, size: tuple[int, int], factor: int, plans: Plans,
         threshold: float, trace: Trace) -> Hit | None:
    """The first word that passes its CRC and the threshold, or None.

    Args:
        pixels_plane: luma, reduced by `factor`.
        size: (height, width) of the whole picture, which suggests the mark's own scale.
        factor: of the reduction.
        plans: of the key.
        threshold: least score of an accepted word.
        trace: filled in on the way.
    """
    spectrum = Spectrum(plane.whiten(pixels_plane).plane)
    for method, matrix in _geometries(spectrum, size, factor, plans):
        lattice = reader.read_lattice(spectrum, plans.layout, matrix)
        for lock in reader.find_locks(lattice, plans.layout, 2):
            if lock.score < LOCK_SCORE:
                continue
            for outcome in reader.decode(reader.soft_values(lattice, plans.layout, lock)):
                trace.attempts += 1
                trace.scores.append(outcome.score)
                trace.best = max(trace.best, outcome.score)
                if outcome.payload is not None and outcome.score >= threshold:
                    return Hit(outcome.payload, outcome.score, lock, matrix / factor, method)
    return None


def _geometries(
    spectrum: Spectrum, size: tuple[int, int], factor: int, plans: Plans
) -> Iterator[tuple[str, Matrix]]:
    yield "as written", np.eye(2) * (factor / plane.tile_period(*size))
    ratio = geometry.relative_power(spectrum)
    for index, candidate in enumerate(plans.polar.search(ratio, spectrum, 3)):
        rough = geometry.refine(spectrum, plans.layout, candidate.matrix, 0.004, 4, (0, 1))
        exact = geometry.refine(spectrum, plans.layout, rough.matrix, 0.002, 4)
        if exact.score >= (LEAST_SCORE if index == 0 else REFINED_SCORE):
            yield "rotated", exact.matrix
    for candidate in plans.axes.search(ratio, spectrum, 2):
        rough = geometry.refine(spectrum, plans.layout, candidate.matrix, 0.004, 4, (0, 2))
        exact = geometry.refine(spectrum, plans.layout, rough.matrix, 0.001, 2)
        if exact.score >= REFINED_SCORE:
            yield "stretched", exact.matrix
    for candidate in plans.affine.search(ratio, spectrum, 3):
        exact = climb(spectrum, ratio, plans.layout, candidate.matrix)
        if exact.score >= REFINED_SCORE:
            yield "sheared", exact.matrix
