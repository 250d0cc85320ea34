"""From a rough geometry to the exact one, on the spectrum itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.geometry import POWER_CLIP, Candidate, Matrix
from provenance.watermark.layout import Layout
from provenance.watermark.spectrum import Spectrum

GENERATORS: NDArray[np.float64] = np.array(
    [[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]], np.float64
)
"""Small changes of a matrix: scale, rotation, aspect, shear."""


def constellation_score(
    spectrum: Spectrum, layout: Layout, matrices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far the used harmonics stand out from the empty ones, in standard deviations.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrices: B×2×2.
    """
    values = spectrum.at(np.matmul(layout.points, matrices.transpose(0, 2, 1)))
    power = values.real**2 + values.imag**2
    level = power[:, layout.empty].mean(axis=1, keepdims=True) + 1e-12
    ratio = np.minimum(power / level, POWER_CLIP)
    used = np.concatenate([layout.data, layout.pilots])
    gap = ratio[:, used].mean(axis=1) - ratio[:, layout.empty].mean(axis=1)
    return np.asarray(gap / np.sqrt(1 / len(used) + 1 / len(layout.empty)), np.float64)


def refine(
    spectrum: Spectrum,
    layout: Layout,
    matrix: Matrix,
    step: float,
    rounds: int,
    freedom: tuple[int, ...] = (0, 1, 2, 3),
) -> Candidate:
    """Climb to the best geometry near `matrix`.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrix: the start.
        step: first relative change that is tried.
        rounds: how often; the step shrinks every time.
        freedom: which of GENERATORS may change.
    """
    best = float(constellation_score(spectrum, layout, matrix[None])[0])
    generators = GENERATORS[list(freedom)]
    count = len(generators)
    changes = np.concatenate([generators, -generators])
    for _ in range(rounds):
        tries = np.matmul(np.eye(2) + step * changes, matrix)
        scores = constellation_score(spectrum, layout, tries)
        gain = scores[:count] - scores[count:]
        bend = scores[:count] + scores[count:] - 2 * best
        # Newton along each axis where the score is a hill, else one step uphill.
        move = np.where(bend < 0, -0.5 * gain / np.minimum(bend, -1e-6), np.sign(gain))
        move = np.clip(move, -1, 1)
        joint = (np.eye(2) + step * np.einsum("g,gij->ij", move, generators)) @ matrix
        score = float(constellation_score(spectrum, layout, joint[None])[0])
        top = int(scores.argmax())
        if score < scores[top]:
            score, joint = float(scores[top]), tries[top]
        if score > best:
            best, matrix = score, joint
        step *= 0.6
    return Candidate(matrix, best)
