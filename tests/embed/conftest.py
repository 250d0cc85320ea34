"""Towers for tests: a fake one that needs nothing, and untrained ones of real architectures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenance import Picture
from provenance.embed.bpe import ClipTokenizer
from provenance.embed.interface import Identity
from provenance.embed.preprocess import Preprocess
from provenance.embed.tower import LoadedTower, Recipe

EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"
TINY = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}


class CountingEngine:
    """Gives the mean colour and the first tokens, and counts what it was asked."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def pictures(self, pixels: np.ndarray) -> np.ndarray:
        self.calls.append(len(pixels))
        return np.concatenate([pixels.mean(axis=(2, 3)), np.ones((len(pixels), 1))], axis=1)

    def texts(self, tokens: np.ndarray) -> np.ndarray:
        self.calls.append(len(tokens))
        return tokens[:, 1:5].astype(np.float64) + 1


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def fake(engine) -> LoadedTower:
    recipe = Recipe(
        Identity("fake", "0" * 40, "onnx"), 4, Preprocess(side=8), ClipTokenizer([]), 100.0, 0.0
    )
    return LoadedTower(recipe, lambda: engine)


@pytest.fixture(scope="session")
def examples() -> list[Picture]:
    return [Picture.open(EXAMPLES / name) for name in ("cat.webp", "coffee.png", "rocket.jpg")]
