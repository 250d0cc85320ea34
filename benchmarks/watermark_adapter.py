"""Our mark as a scheme of the watermark harness: the bridge that benchmarks/watermark.py uses.

The harness runs this file by path in a process of its own, so it finds the library by its place.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from wmbench.adapter import Adapter  # type: ignore[import-not-found]

from provenance.watermark.payload import Payload
from provenance.watermark.tile import TileWatermarker

KEY = bytes(range(32))


class Tile(Adapter):  # type: ignore[misc]
    """64 bits at the default strength."""

    name, payload_bits, threshold = "provenance tile, 64 bits", 64, 0.0
    strength: Any = "balanced"

    def setup(self) -> None:
        """Build the plans, as a service would at its start."""
        self._marker = TileWatermarker(KEY, strength=self.strength)
        self._marker.plans  # noqa: B018

    def embed(self, img: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mark with the bits given."""
        value = int("".join(map(str, bits.tolist())), 2)
        return self._marker.embed_array(img, Payload(value, len(bits)))

    def extract(self, img: NDArray[np.uint8]) -> tuple[NDArray[np.uint8] | None, float | None]:
        """The bits and minus the log of the false-positive rate, or nothing."""
        reading = self._marker.extract_array(img)
        if reading.payload is None:
            return None, None
        text = f"{reading.payload.value:0{reading.payload.bits}b}"
        rate = max(reading.false_positive_rate, 1e-300)
        return np.array([int(c) for c in text], np.uint8), float(-np.log10(rate))


class Tile128(Tile):
    """128 bits at 44 dB."""

    name, payload_bits, strength = "provenance tile, 128 bits, 44 dB", 128, 44.0
