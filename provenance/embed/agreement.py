"""How well two towers agree: the cosine between their embeddings of the same things."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.picture import Picture

FLOOR = {"fp32": 0.999, "fp16": 0.999, "int8": 0.99}
"""The lowest cosine to the original, by precision, with which an export is handed over."""

TEXTS = (
    "a photo of a cat",
    "a drawing of a dog",
    "a red bicycle leaning on a brick wall, watercolour",
    "portrait of an old man, oil on canvas, highly detailed, 4k",
    "the logo of a company",
    "two children play on a beach at sunset",
    "x",
    "a very long description of a city at night with rain and neon lights " * 8,
)
"""Short, usual and too long."""


def pictures(side: int = 256, count: int = 8) -> list[Picture]:
    """Made-up pictures from plain to noisy, the same in every run."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] / side
    made = []
    for number in range(count):
        tint = rng.uniform(0, 1, (3, 3))
        waves = np.stack([y, x, np.sin((2 + 4 * number) * (x + y * rng.uniform()))], axis=-1)
        coarse = rng.standard_normal((side // 32 + 1, side // 32 + 1, 3))
        blocks = np.kron(coarse, np.ones((32, 32, 1)))[:side, :side]
        noise = rng.standard_normal((side, side, 3))
        values = 255 * (waves @ tint) / 2 + 30 * blocks + 6 * number * noise
        made.append(Picture.from_array(np.clip(values, 0, 255).astype(np.uint8)))
    return made


def cosines(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Between the rows of two tables of vectors, of any length."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found: NDArray[np.float64] = (a * b).sum(axis=1) / lengths
    return found
