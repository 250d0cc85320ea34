"""The check: what it says of what the reader tells it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.detect.hands.check import HandsCheck, score
from provenance.detect.hands.reader import Hand
from provenance.evidence import Status
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing

METRICS: dict[str, Any] = {
    "rule": {"spread": 1.0, "most": -2.0, "malformed": 1.0, "threshold": 0.0},
    "false_positive_rate": {"hand": 0.02, "picture": 0.01},
    "weight": {"ratio": 2.0, "interval95": [0.5, 6.0], "generated": 100, "others": 200},
    "generated_pictures": {"n": 100, "hits": 4, "rate": 0.04, "interval95": [0.016, 0.098]},
}


class Reads:
    """Finds the hands that it was given."""

    def __init__(self, *hands: Hand) -> None:
        self.hands = hands

    def read(self, image: Image.Image) -> list[Hand]:
        return list(self.hands)


class Lacks:
    """Has no weights."""

    def read(self, image: Image.Image) -> list[Hand]:
        raise WeightsMissing("mediapipe-hands", "the weights are not on this machine")


def hand(
    spread: float = 0.02, malformed: float = -3.0, presence: float = 0.99, **more: Any
) -> Hand:
    facts = {"box": (10.0, 10.0, 40.0, 50.0), "palm": 0.9, "side": 90.0, "tip": 0.1} | more
    return Hand(presence=presence, spread=spread, malformed=malformed, **facts)


def subject(wide: int = 64, tall: int = 64) -> Subject:
    buffer = io.BytesIO()
    Image.fromarray(np.full((tall, wide, 3), 90, np.uint8)).save(buffer, "PNG")
    return Subject(buffer.getvalue(), "image/png", Limits())


def examined(*hands: Hand, at: Subject | None = None) -> Any:
    (found,) = HandsCheck(Reads(*hands), METRICS).examine(at or subject())
    return found


@pytest.mark.parametrize(
    ("hands", "code", "status"),
    [
        ((), "hands.none", Status.ABSENT),
        ((hand(presence=0.6),), "hands.unclear", Status.ABSENT),
        ((hand(side=40.0, malformed=9.0),), "hands.unclear", Status.ABSENT),
        ((hand(),), "hands.nothing-notable", Status.ABSENT),
        ((hand(), hand(malformed=9.0)), "hands.look-here", Status.SUGGESTED),
    ],
)
def test_each_state_has_its_code(hands, code, status):
    found = examined(*hands)
    assert (found.code, found.status) == (code, status)
    assert found.to_dict()["details"]["hands"] == len(hands)
    rate = {"rate": 0.04, "low": 0.016, "high": 0.098, "pictures": 100}
    assert found.details["detection_rate"] == rate


def test_a_hand_worth_a_look_carries_box_rate_and_weight():
    found = examined(hand(), hand(malformed=9.0, box=(-5.0, -5.0, 200.0, 30.0)))
    odd = [box for box in found.boxes if "look" in box.label]
    assert len(found.boxes) == 2 and len(odd) == 1
    assert (odd[0].left, odd[0].top, odd[0].right) == (0, 0, 64)
    assert found.false_positive_rate == 0.01
    assert found.details["false_positive_rate_per_hand"] == 0.02
    assert found.weight is not None and found.weight.low == 0.5
    assert "clasped" in found.explanation


def test_an_unclear_hand_is_never_flagged():
    assert examined(hand(spread=9.0, malformed=99.0, presence=0.84)).code == "hands.unclear"


def test_missing_weights_say_how_to_get_them():
    (found,) = HandsCheck(Lacks(), METRICS).examine(subject())
    assert (found.code, found.status) == ("hands.not-checked", Status.UNCHECKED)
    assert "provenance models pull mediapipe-hands" in found.advice


def test_what_is_no_picture_is_not_checked():
    (found,) = HandsCheck(Reads(), METRICS).examine(
        Subject(b"%PDF-1.7", "application/pdf", Limits())
    )
    assert found.code == "hands.no-pixels"


def test_a_picture_of_one_pixel_keeps_its_box_inside():
    found = examined(hand(malformed=9.0, box=(-3.0, -3.0, 3.0, 3.0)), at=subject(1, 1))
    (box,) = found.boxes
    assert (box.left, box.top, box.right, box.bottom) == (0, 0, 1, 1)


def test_a_large_spread_counts_no_more_than_most():
    some, more = (score(hand(spread=value), METRICS["rule"]) for value in (0.2, 2.0))
    assert some == more > score(hand(spread=0.1), METRICS["rule"])


def test_a_spread_of_nought_has_a_score():
    assert np.isfinite(score(hand(spread=0.0), METRICS["rule"]))
