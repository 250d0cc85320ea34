"""What a JPEG will leave of the mark: simulated on luma before the strength is chosen."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from provenance.watermark import plane

BLOCK = 8
"""Side of a block."""

QUALITY_50 = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""ITU-T T.81, annex K.1, table K.1: the luma table, which encoders use unscaled at quality 50."""


def _cosines() -> NDArray[np.float32]:
    n = np.arange(8)
    matrix = np.cos(np.pi * (2 * n[None, :] + 1) * n[:, None] / 16) * 0.5
    matrix[0] *= np.sqrt(0.5)
    return matrix.astype(np.float32)


_COSINES = _cosines()


def compress(luma: NDArray[np.float32], ratio: int = 1) -> NDArray[np.float32]:
    """Luma as a JPEG of quality 50 would give it back; edges beyond whole blocks stay as they are.

    Args:
        luma: H×W in 0..255.
        ratio: the result is shrunk by this: the mean of each square of so many samples a side.
    """
    if BLOCK % ratio:
        return plane.shrink(compress(luma), ratio)
    height, width = luma.shape[0] // BLOCK * BLOCK, luma.shape[1] // BLOCK * BLOCK
    # The 128 that encoders subtract is a whole number of steps, so it makes no difference.
    blocks = luma[:height, :width].reshape(height // BLOCK, BLOCK, width)
    rows = np.matmul(_COSINES, blocks).reshape(-1, BLOCK)
    coded = (rows @ _COSINES.T).reshape(height // BLOCK, BLOCK, width)
    step, inverse = _steps(width // BLOCK)
    coded *= inverse
    np.rint(coded, out=coded)
    coded *= step
    means = _COSINES.reshape(BLOCK, -1, ratio).mean(axis=2)
    rows = (coded.reshape(-1, BLOCK) @ means).reshape(height // BLOCK, BLOCK, width // ratio)
    seen: NDArray[np.float32] = np.matmul(means.T, rows)
    seen = seen.reshape(height // ratio, width // ratio)
    if luma.shape == (height, width):
        return seen
    result = plane.shrink(luma, ratio).copy()
    result[: len(seen), : seen.shape[1]] = seen
    return result


@lru_cache(maxsize=4)
def _steps(blocks: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The table for so many blocks beside each other, and one over it."""
    step = np.tile(QUALITY_50, (1, blocks))
    return step, np.float32(1) / step
