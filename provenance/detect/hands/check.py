"""Looks for hands that look malformed: a weak tell of generated pictures, and a place to look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from provenance.detect import tell
from provenance.detect.hands.judge import measured
from provenance.detect.hands.network import MODEL
from provenance.detect.hands.reader import Hand, HandReader, Reader
from provenance.evidence import Box, Evidence, Status
from provenance.verify.interface import Subject

ADVICE = "Look at the marked hand: count the fingers, and follow each to its tip."


class HandsCheck:
    """Finds hands and marks those worth a look. About 0.3 s CPU for a megapixel with two hands.

    Args:
        reader: finds and measures the hands.
        metrics: the rule with its rates, as in models/hands/metrics.json, which it defaults to.
    """

    name = "hands"

    def __init__(
        self, reader: HandReader | None = None, metrics: Mapping[str, Any] | None = None
    ) -> None:
        self._reader = reader or Reader()
        self._metrics = metrics

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Hands worth a look with boxes and rates, or why there is nothing to say."""
        return tell.looked(self.name, MODEL, subject, self._seen)

    def _seen(self, image: Image.Image) -> Evidence:
        return _concluded(self._reader.read(image), image.size, self._metrics or measured())


def score(hand: Hand, rule: Mapping[str, float]) -> float:
    """How much a hand asks for a look: the spread's logarithm and our model's odds, weighed.

    A spread that clasped and hidden hands have, too, counts no more the larger it is.
    """
    spread = min(math.log(max(hand.spread, 1e-4)), rule["most"])
    return rule["spread"] * spread + rule["malformed"] * hand.malformed


def _concluded(
    hands: Sequence[Hand], size: tuple[int, int], metrics: Mapping[str, Any]
) -> Evidence:
    rule = metrics["rule"]
    clear = [(hand, score(hand, rule)) for hand in hands if hand.clear]
    odd = [(hand, found) for hand, found in clear if found > rule["threshold"]]
    details = {
        "hands": len(hands),
        "clear": len(clear),
        "look": len(odd),
        "detection_rate": tell.detection_rate(metrics["generated_pictures"]),
    }
    boxes = tuple(_box(hand, found, size, found > rule["threshold"]) for hand, found in clear)
    if odd:
        return _look_here(odd, boxes, details, metrics)
    if clear:
        code, text = "hands.nothing-notable", _nothing(len(clear))
    elif hands:
        code = "hands.unclear"
        text = "What may be hands is too small, hidden or unclear to be judged."
    else:
        code, text = "hands.none", "No hands were found."
    best = max((found for _, found in clear), default=None)
    return Evidence("hands", code, Status.ABSENT, text, score=best, details=details, boxes=boxes)


def _look_here(
    odd: Sequence[tuple[Hand, float]],
    boxes: tuple[Box, ...],
    details: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Evidence:
    """The evidence of hands that are worth a look. It says no more, for no more was measured."""
    rates = metrics["false_positive_rate"]
    many = "One hand is" if len(odd) == 1 else f"{len(odd)} hands are"
    return Evidence(
        "hands",
        "hands.look-here",
        Status.SUGGESTED,
        f"{many} worth a look: the shape could not be read consistently. Malformed hands are "
        "like that, and so are hands that are clasped, blurred or hold something.",
        advice=ADVICE,
        score=max(found for _, found in odd),
        false_positive_rate=rates["picture"],
        details={**details, "false_positive_rate_per_hand": rates["hand"]},
        boxes=boxes,
        weight=tell.worth(metrics),
    )


def _nothing(clear: int) -> str:
    seen, them = ("One hand was", "it") if clear == 1 else (f"{clear} hands were", "them")
    return (
        f"{seen} found, and nothing about {them} stood out. Most malformed hands are missed, and "
        "generators draw good ones, too."
    )


def _box(hand: Hand, found: float, size: tuple[int, int], look: bool) -> Box:
    """The hand with a margin of a tenth, inside the picture."""
    left, top, right, bottom = hand.box
    margin = 0.1 * max(right - left, bottom - top)
    wide, tall = size
    x0 = min(max(0, math.floor(left - margin)), wide - 1)
    y0 = min(max(0, math.floor(top - margin)), tall - 1)
    x1 = min(max(x0 + 1, math.ceil(right + margin)), wide)
    y1 = min(max(y0 + 1, math.ceil(bottom + margin)), tall)
    return Box(x0, y0, x1, y1, "hand, look here" if look else "hand", round(found, 3))
