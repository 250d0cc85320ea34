"""Largest singular value of many 4×4 blocks at once.

A block is given as sixteen planes, so that each step is one operation on all blocks. The square
of the Gram matrix, applied four times, leaves of the second direction the share
(second / first)^16; blocks where two values are too close for that go to LAPACK.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = Sequence[Sequence[Floats]]

_TOLERANCE = 1e-10
_FOUR = range(4)


def largest_singular(blocks: Floats) -> tuple[Floats, Floats, Floats]:
    """Values (n), left (4×n) and right (4×n) vectors of 4×4×n blocks, none of them zero."""
    gram = [[_dot(blocks[:, i], blocks[:, j]) for j in range(i + 1)] for i in _FOUR]
    power = _squared(gram)
    right = np.stack([sum(_at(power, i, j) for j in _FOUR) for i in _FOUR])
    for _ in range(3):
        right = np.stack([_dot([_at(power, i, j) for j in _FOUR], right) for i in _FOUR])
    right /= np.sqrt(_dot(right, right))
    left = np.stack([_dot(blocks[i], right) for i in _FOUR])
    size = np.sqrt(_dot(left, left))
    left /= size
    residual = np.stack([_dot(blocks[:, j], left) - size * right[j] for j in _FOUR])
    unsure = np.flatnonzero(np.abs(residual).max(axis=0) > _TOLERANCE * size)
    if unsure.size:
        u, s, v = np.linalg.svd(blocks[:, :, unsure].transpose(2, 0, 1))
        size[unsure], left[:, unsure], right[:, unsure] = s[:, 0], u[:, :, 0].T, v[:, 0, :].T
    return size, left, right


def _dot(these: Sequence[Floats] | Floats, those: Sequence[Floats] | Floats) -> Floats:
    total = these[0] * those[0]
    for i in (1, 2, 3):
        total += these[i] * those[i]
    return np.asarray(total)


def _at(lower: Rows, row: int, column: int) -> Floats:
    return lower[max(row, column)][min(row, column)]


def _squared(lower: Rows) -> list[list[Floats]]:
    full = [[_at(lower, i, j) for j in _FOUR] for i in _FOUR]
    return [[_dot(full[i], full[j]) for j in range(i + 1)] for i in _FOUR]
