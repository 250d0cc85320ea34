"""Search over shear and aspect at any angle, for what the plain maps miss.

Any geometry is a rotation and scaling of a slightly stretched constellation. The stretches worth
trying lie on two rings, 2.6 and 5 per cent; a coarser polar map, whose cells are wide enough to
cover the gaps between them, is correlated with every stretched constellation. What it finds is
rough, and climbs to the exact geometry over maps of the spectrum that are blurred less and less.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark.geometry import (
    Candidate,
    Floats,
    Matrix,
    Sampler,
    blur,
    look_up,
    peaks,
    signed_weights,
)
from provenance.watermark.layout import INNER, OUTER, Layout
from provenance.watermark.refinement import GENERATORS, constellation_score, refine
from provenance.watermark.spectrum import Spectrum

STEP = 0.012
ANGLES = 256
"""Grid of the coarse map."""

RINGS = ((0.026, 8), (0.05, 14))
"""Stretches tried: by how much (log of the axes' ratio, halved), in how many directions."""

PERIODS = (36.0, 300.0)
"""Periods of the tile looked for, in samples; the plain maps cover more."""

MARGIN = 1.08
"""More than any stretch changes a radius."""

LEVELS = ((0.010, 5), (0.005, 3), (0.0025, 1))
"""Climbing: relative step, and bins over which the spectrum is blurred."""


class AffineMap:
    """Coarse search over angle, scale, mirror and stretch of one constellation."""

    def __init__(self, layout: Layout) -> None:
        low, high = 1 / PERIODS[1], 1 / PERIODS[0]
        self._low = np.log(low)
        self._shifts = int(np.ceil(np.log(high / low) / STEP))
        inner = INNER / MARGIN
        reach = int(np.ceil(np.log(OUTER * MARGIN / inner) / STEP)) + 2
        self._rows = scipy.fft.next_fast_len(self._shifts + reach, real=False)
        axis = inner * np.exp(self._low + STEP * np.arange(self._shifts + reach))
        axis = axis[axis < 0.49 * np.sqrt(2)]
        angle = np.pi * np.arange(ANGLES) / ANGLES - np.pi / 2
        self._inside = len(axis)
        self._sampler = Sampler(axis[:, None] * np.sin(angle), axis[:, None] * np.cos(angle))
        self._stretches = [
            _stretch(size, 2 * np.pi * turn / count) @ np.diag([1.0, flip])
            for size, count in RINGS
            for turn in range(count)
            for flip in (1.0, -1.0)
        ]
        weights = signed_weights(layout)
        templates = np.zeros((len(self._stretches), self._rows, ANGLES), np.float32)
        for template, stretch in zip(templates, self._stretches, strict=True):
            points = layout.points @ stretch.T
            radius = np.log(np.hypot(points[:, 0], points[:, 1]) / inner)
            turn = np.arctan2(points[:, 0], points[:, 1])
            place = np.rint(turn / np.pi * ANGLES).astype(np.intp) % ANGLES
            np.add.at(template, (np.rint(radius / STEP).astype(np.intp), place), weights)
        self._templates = scipy.fft.rfft2(templates, overwrite_x=True).conj()

    def search(self, ratio: Floats, spectrum: Spectrum, count: int) -> list[Candidate]:
        """The best `count` geometries, roughly."""
        padded = np.zeros((self._rows, ANGLES), np.float32)
        padded[: self._inside] = self._sampler(blur(ratio, 3), spectrum.padded)
        transform = scipy.fft.rfft2(padded)
        found: list[Candidate] = []
        for template, stretch in zip(self._templates, self._stretches, strict=True):
            surface = scipy.fft.irfft2(transform * template, s=padded.shape)[: self._shifts]
            for row, column, score in peaks(surface, None, 1):
                turn = np.pi * column / ANGLES - np.pi / 2
                rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
                scale = np.exp(self._low + STEP * row)
                found.append(Candidate(scale * rotation @ stretch, score))
        return sorted(found, key=lambda c: -c.score)[:count]


def _stretch(size: float, turn: float) -> Matrix:
    """Symmetric, of determinant 1: longer by `size` (in log) along one direction."""
    cosine, sine = np.cos(turn), np.sin(turn)
    along = np.array([[cosine, sine], [sine, -cosine]])
    return np.asarray(np.cosh(size) * np.eye(2) + np.sinh(size) * along)


def climb(spectrum: Spectrum, ratio: Floats, layout: Layout, matrix: Matrix) -> Candidate:
    """From a rough geometry to the exact one, within about 2 per cent."""
    weights = signed_weights(layout)
    changes = _changes()
    for step, width in LEVELS:
        map_ = blur(ratio, width) if width > 1 else ratio
        for _ in range(2):
            tries = np.matmul(np.eye(2) + step * changes, matrix)
            points = np.matmul(layout.points, tries.transpose(0, 2, 1))
            values = look_up(map_, spectrum, points)
            best = int((values @ weights).argmax())
            matrix = tries[best]
            if best == len(changes) // 2:
                break
    score = float(constellation_score(spectrum, layout, matrix[None])[0])
    return refine(spectrum, layout, Candidate(matrix, score).matrix, 0.0015, 5)


@lru_cache(maxsize=1)
def _changes() -> NDArray[np.float64]:
    """Every combination of -1, 0 and 1 of the four small changes; the middle one is none."""
    steps = np.array(list(product((-1.0, 0.0, 1.0), repeat=4)))
    return np.asarray(np.einsum("bg,gij->bij", steps, GENERATORS))
