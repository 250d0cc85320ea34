"""The order in which a reader tries geometries, from the likely and cheap to the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from provenance.watermark import geometry, plane, reader
from provenance.watermark.affine import AffineMap, climb
from provenance.watermark.geometry import AxisMap, Candidate, Matrix, PolarMap
from provenance.watermark.layout import Layout
from provenance.watermark.payload import Payload
from provenance.watermark.spectrum import Spectrum

LOCK_SCORE = 5.0
"""Pilot correlation below which decoding is not tried; noise alone gives 4.5 to 5.5."""

REFINED_SCORE = 3.0
"""Constellation score below which a refined geometry is dropped."""


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
    maps: tuple[tuple[str, _Map, int], ...] = (
        ("rotated", plans.polar, 3),
        ("stretched", plans.axes, 2),
        ("sheared", plans.affine, 3),
    )
    for name, search, count in maps:
        for candidate in search.search(ratio, spectrum, count):
            exact = climb(spectrum, ratio, plans.layout, candidate.matrix)
            if exact.score >= REFINED_SCORE:
                yield name, exact.matrix


class _Map(Protocol):
    def search(
        self, ratio: geometry.Floats, spectrum: Spectrum, count: int
    ) -> list[Candidate]: ...
