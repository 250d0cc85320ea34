"""Finds the hands in a picture and measures each: one row of facts a hand, no conclusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from provenance.detect.hands import consistency, judge
from provenance.detect.hands.find import find
from provenance.detect.hands.view import look

LEAST_PRESENCE = 0.85
"""Of the landmark network, on average over its runs. Below it are paws, ears and flames."""

LEAST_SIDE = 56.0
"""Pixels of a hand's region; smaller ones cannot be judged."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand.

    Attributes:
        box: left, top, right and bottom of its points, in pixels of the picture.
        palm: score of the palm detector.
        presence: mean of the landmark network over its runs.
        side: pixels of its region.
        spread: how far the runs are apart, in palms.
        tip: the same for the worst fingertip.
        malformed: log odds of our model, mean over the runs.
    """

    box: tuple[float, float, float, float]
    palm: float
    presence: float
    side: float
    spread: float
    tip: float
    malformed: float

    @property
    def clear(self) -> bool:
        """Whether this is surely a hand, and large enough to be judged."""
        return self.presence >= LEAST_PRESENCE and self.side >= LEAST_SIDE


class HandReader(Protocol):
    """Measures the hands in a picture."""

    def read(self, image: Image.Image) -> list[Hand]:
        """All that may be hands, clear or not.

        Raises:
            WeightsMissing: the weights are not on this machine.
        """


class Reader:
    """With MediaPipe's networks and our model."""

    def read(self, image: Image.Image) -> list[Hand]:
        """See `HandReader`."""
        hands: list[Hand] = []
        for palm in find(image):
            view = look(image, palm.region)
            if view.presence < 0.5 or view.region.side < LEAST_SIDE / 2:
                continue
            measured, features = consistency.measure(view.image)
            (left, top), (right, bottom) = view.points.min(0), view.points.max(0)
            hands.append(
                Hand(
                    (float(left), float(top), float(right), float(bottom)),
                    palm.score, measured.presence, view.region.side, measured.spread,
                    measured.tip, judge.malformed(features),
                )
            )  # fmt: skip
        return hands
