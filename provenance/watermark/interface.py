"""What every invisible watermark offers, and what it answers with.

`Watermarker` is the protocol; `Payload` goes in, `Reading` comes out. A mark is a pointer to a
record, never proof by itself: no mark found means unknown, neither authentic nor generated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from provenance.picture import Picture
from provenance.watermark.payload import Payload

__all__ = ["Payload", "Reading", "Watermarker"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one picture.

    Attributes:
        payload: the payload, or None when nothing was found.
        false_positive_rate: probability that a picture without this mark gives a reading at least
            as convincing, over all search attempts (flips, angles, scales, carriers). At or above
            the scheme's limit nothing counts as found.
        details: how it was found (geometry, score, carrier), ready for JSON.
    """

    payload: Payload | None
    false_positive_rate: float
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """True when there is a payload."""
        return self.payload is not None


@runtime_checkable
class Watermarker(Protocol):
    """Hides a payload in a picture, and finds it again.

    Attributes:
        algorithm: name of the scheme as used in a C2PA soft binding.
        smallest_side: pixels; pictures with a shorter side are refused by `embed`.
    """

    @property
    def algorithm(self) -> str:
        """Name of the scheme as used in a C2PA soft binding."""

    @property
    def smallest_side(self) -> int:
        """Pixels; pictures with a shorter side are refused by `embed`."""

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        """Hide `payload` in `picture`, keeping its size, transparency and metadata.

        Raises:
            TooSmall: a side is shorter than `smallest_side`.
            CapacityError: the payload does not fit.
        """

    def extract(self, picture: Picture) -> Reading:
        """Look for a mark. Never raises for a valid picture: a negative answer is a `Reading`."""
