"""Reads a watermark once for all checks of one file."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from provenance.picture import Picture
from provenance.watermark.interface import Payload, Reading, Watermarker


class Remembering:
    """A watermarker that answers at once when asked again for the picture it has just read.

    Each thread remembers its own last picture, and only while that picture exists.

    Args:
        watermarker: does the work.
    """

    def __init__(self, watermarker: Watermarker) -> None:
        self._watermarker = watermarker
        self._last = threading.local()

    @property
    def algorithm(self) -> str:
        """That of the watermarker."""
        return self._watermarker.algorithm

    @property
    def smallest_side(self) -> int:
        """That of the watermarker."""
        return self._watermarker.smallest_side

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        """As the watermarker does."""
        return self._watermarker.embed(picture, payload)

    def extract(self, picture: Picture) -> Reading:
        """As the watermarker does, or what it said before of the very same pixels."""
        known: tuple[weakref.ref[Any], Reading] | None = getattr(self._last, "known", None)
        if known is not None and known[0]() is picture.pixels:
            return known[1]
        reading = self._watermarker.extract(picture)
        self._last.known = (weakref.ref(picture.pixels), reading)
        return reading

    def __reduce__(self) -> tuple[type[Remembering], tuple[Watermarker]]:
        """Pickle without what was remembered."""
        return type(self), (self._watermarker,)
