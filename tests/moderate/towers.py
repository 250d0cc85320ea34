"""A tower without weights: pictures are embedded by their colour, texts by the words in them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from provenance.embed.interface import Identity, Vectors
from provenance.picture import Picture

WIDTH = 64

RED, GREEN, BLUE = (220, 20, 20), (20, 220, 20), (20, 20, 220)


class ColourTower:
    """Red pictures are near texts with the word `red`, and so on; all else is far from all.

    Args:
        words: by axis, which word leads there; the axes of colours are red 0, green 1, blue 2.
    """

    logit_scale = 30.0

    def __init__(
        self,
        words: Sequence[str] = ("clown", "naked", "child"),
        model: str = "colour",
        bias: float = 0.0,
    ) -> None:
        self.identity = Identity(model, "0" * 40, "fake")
        self.width = WIDTH
        self.logit_bias = bias
        self.pictures = 0
        self.texts: list[str] = []
        self._words = words
        self._lock = threading.Lock()

    def embed_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        with self._lock:
            self.pictures += len(pictures)
        return np.array([self._picture(p) for p in pictures], np.float32).reshape(-1, WIDTH)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return np.array([self._text(text) for text in texts], np.float32)

    def describe(self) -> dict[str, Any]:
        return {"identity": str(self.identity), "width": WIDTH}

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def _picture(self, picture: Picture) -> np.ndarray:
        pixels = picture.pixels.astype(float)
        if picture.alpha is not None:
            share = picture.alpha[..., None] / 255
            pixels = share * pixels + (1 - share) * 255
        red, green, blue = pixels.mean(axis=(0, 1)) / 255
        vector = np.full(WIDTH, 0.05)
        vector[:3] = red - min(green, blue), green - min(red, blue), blue - min(red, green)
        return vector / np.linalg.norm(vector)

    def _text(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        vector = 0.1 * np.random.default_rng(seed).standard_normal(WIDTH)
        axes = [axis for axis, word in enumerate(self._words) if word in text.split()]
        vector[axes or [3 + seed % (WIDTH - 3)]] += 2.0
        return vector / np.linalg.norm(vector)


def flat(colour: tuple[int, int, int], side: int = 16) -> Picture:
    """A picture of one colour."""
    return Picture.from_array(np.full((side, side, 3), colour, np.uint8))


def textured(colour: tuple[int, int, int], seed: int, side: int = 64) -> Picture:
    """A picture of about one colour, with enough detail to tell it from others."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(-60, 60, (8, 8, 1))
    noise = np.kron(coarse, np.ones((side // 8, side // 8, 1)))
    return Picture.from_array(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
