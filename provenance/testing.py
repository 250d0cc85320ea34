"""Fakes that implement our protocols, for your tests and ours. None of them is for production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from provenance.errors import TooSmall
from provenance.picture import Picture
from provenance.watermark.interface import Payload, Reading


class FixedClassifier:
    """Gives the same scores to every prompt and every picture, and remembers what it was shown.

    Args:
        scores: by category.
        name: appears in findings.
        categories: what it claims to score; the categories of `scores` by default.
    """

    def __init__(
        self,
        scores: Mapping[str, float],
        name: str = "fixed/1",
        categories: tuple[str, ...] | None = None,
    ) -> None:
        self.name = name
        self.categories = tuple(scores) if categories is None else categories
        self.seen: list[Picture | str] = []
        self._scores = dict(scores)

    def scores(self, subject: Picture | str) -> Mapping[str, float]:
        """The scores given to the constructor."""
        self.seen.append(subject)
        return self._scores


class FailingClassifier:
    """Raises whenever it is asked.

    Args:
        error: what to raise.
        name: appears in the message of `ModerationFailed`.
    """

    categories = ("nudity",)

    def __init__(self, error: Exception, name: str = "failing/1") -> None:
        self.name = name
        self._error = error

    def scores(self, subject: Picture | str) -> Mapping[str, float]:
        """Raise the error given to the constructor."""
        del subject
        raise self._error


class FakeWatermarker:
    """Writes the payload into the lowest bits of the first 72 values: fast, and lost at a touch."""

    algorithm = "org.example.lowest-bits.1"
    smallest_side = 8

    _MAGIC = 0xA5

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        """The picture with the payload in it.

        Raises:
            TooSmall: a side is shorter than `smallest_side`.
        """
        if min(picture.width, picture.height) < self.smallest_side:
            raise TooSmall(f"the picture is {picture.width}×{picture.height}; expected 8×8 or more")
        word = self._MAGIC << 64 | payload.value
        bits = np.array([word >> n & 1 for n in range(72)], np.uint8)
        pixels = picture.pixels.copy()
        flat = pixels.reshape(-1)
        flat[:72] = flat[:72] & 0xFE | bits
        return replace(picture, pixels=pixels)

    def extract(self, picture: Picture) -> Reading:
        """The payload, if the eight bits above it are there: one picture in 256 has them too."""
        bits = picture.pixels.reshape(-1)[:72] & 1
        word = sum(int(bit) << n for n, bit in enumerate(bits))
        if bits.size < 72 or word >> 64 != self._MAGIC:
            return Reading(None, 1.0)
        return Reading(Payload(word & (1 << 64) - 1), 2.0**-8)
