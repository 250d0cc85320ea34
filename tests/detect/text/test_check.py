"""The check: what it says of what the finder and the reader tell it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.detect.text import judge
from provenance.detect.text.again import WAYS
from provenance.detect.text.check import MOST, MOST_AGAIN, TextCheck
from provenance.detect.text.interface import Line, Reading
from provenance.detect.text.read import WIDTH
from provenance.evidence import Status
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing


class Finds:
    """Finds the lines that it was given."""

    def __init__(self, *lines: Line) -> None:
        self.given = lines

    def lines(self, image: Image.Image) -> tuple[Line, ...]:
        return self.given


class Reads:
    """Reads each line alike, and counts."""

    def __init__(self, text: str, sureness: float, mirrored: tuple[str, float] | None = None):
        self.text, self.sureness, self.mirrored, self.calls = text, sureness, mirrored, 0

    def read(self, line: Image.Image) -> Reading:
        self.calls += 1
        text, sure = self.text, self.sureness
        if self.mirrored and self.calls == 2 + len(WAYS):
            text, sure = self.mirrored
        return Reading(text, (sure,) * len(text), np.zeros(WIDTH, np.float32))


def picture(width: int = 400, height: int = 200, contrast: int = 200) -> Subject:
    """Stripes: sharp, and of this contrast."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, (np.arange(width) // 4) % 2 == 1] = contrast
    return subject(Image.fromarray(pixels))


def subject(image: Image.Image) -> Subject:
    out = io.BytesIO()
    image.save(out, "PNG")
    return Subject(out.getvalue(), "image/png", Limits())


LARGE = Line((200, 100), 200, 40, 0.0, 0.9)
SMALL = Line((200, 100), 60, 12, 0.0, 0.9)


@pytest.fixture
def suspicious(monkeypatch):
    """The model takes every line for gibberish."""
    monkeypatch.setattr(judge, "scores", lambda rows: np.array([[0.0, 0.99, 0.0, 0.01]]))


def only(check: TextCheck, of: Subject | None = None):
    (evidence,) = check.examine(of or picture())
    assert evidence.source == "text"
    return evidence


def test_no_lines():
    assert only(TextCheck(Finds(), Reads("", 0))).code == "text.none"


def test_legible_text_is_repeated_and_is_no_evidence():
    evidence = only(TextCheck(Finds(LARGE), Reads("OPEN DAILY", 0.98)))
    assert (evidence.code, evidence.status) == ("text.legible", Status.ABSENT)
    assert evidence.details["texts"] == ["OPEN DAILY"]
    rate = evidence.details["detection_rate"]
    assert 0 <= rate["low"] <= rate["rate"] <= rate["high"] <= 1 and rate["pictures"] > 300


def test_gibberish_has_boxes_rates_and_a_weight(suspicious):
    evidence = only(TextCheck(Finds(LARGE), Reads("Srtae", 0.4)))
    assert (evidence.code, evidence.status) == ("text.gibberish", Status.SUGGESTED)
    (box,) = evidence.boxes
    assert (box.left, box.top, box.right, box.bottom) == (100, 80, 300, 120)
    assert "Srtae" in box.label
    assert box.score == pytest.approx(0.99)
    assert 0 < evidence.false_positive_rate < 0.2
    assert 0 < evidence.details["false_positive_rate_per_line"] < 0.2
    assert evidence.weight.low <= evidence.weight.ratio <= evidence.weight.high


def test_a_small_line_is_not_judged(suspicious):
    evidence = only(TextCheck(Finds(SMALL), Reads("Srtae", 0.4)))
    assert (evidence.code, evidence.status) == ("text.too-small", Status.UNCHECKED)
    assert "16 pixels" in evidence.explanation


def test_a_faint_line_is_unclear(suspicious):
    evidence = only(TextCheck(Finds(LARGE), Reads("Srtae", 0.4)), picture(contrast=15))
    assert evidence.code == "text.unclear"


def test_a_line_out_of_focus_is_unclear(suspicious):
    soft = np.tile(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], (200, 1, 3))
    evidence = only(TextCheck(Finds(LARGE), Reads("Srtae", 0.4)), subject(Image.fromarray(soft)))
    assert evidence.code == "text.unclear"


def test_mirrored_text_is_legible(suspicious):
    evidence = only(TextCheck(Finds(LARGE), Reads("Srtae", 0.4, mirrored=("EXIT", 0.99))))
    assert evidence.code == "text.legible"
    assert evidence.details["texts"] == ["EXIT"]


def test_a_picture_full_of_lines_is_read_in_part():
    reader = Reads("OPEN", 0.99)
    evidence = only(TextCheck(Finds(*[LARGE] * 500), reader))
    assert reader.calls == MOST
    assert evidence.details["lines"] == 500


def test_a_picture_full_of_doubtful_lines_is_read_again_in_part(suspicious):
    reader = Reads("Srtae", 0.4)
    evidence = only(TextCheck(Finds(*[LARGE] * 500), reader))
    assert reader.calls == MOST + MOST_AGAIN * (len(WAYS) + 3)
    assert len(evidence.boxes) == MOST_AGAIN
    assert evidence.details["unclear"] == MOST - MOST_AGAIN


def test_what_has_hardly_a_letter_is_not_read_again(suspicious):
    reader = Reads("S", 0.4)
    assert only(TextCheck(Finds(LARGE), reader)).code == "text.unclear"
    assert reader.calls == 1


def test_missing_weights_are_said_with_the_command_that_gets_them():
    class Missing:
        def lines(self, image):
            raise WeightsMissing("ppocr-v6-tiny", "the weights are not here")

    evidence = only(TextCheck(Missing(), Reads("", 0)))
    assert (evidence.code, evidence.status) == ("text.not-checked", Status.UNCHECKED)
    assert "provenance models pull ppocr-v6-tiny" in evidence.advice


def test_a_file_without_pixels_is_not_checked():
    evidence = only(
        TextCheck(Finds(), Reads("", 0)), Subject(b"%PDF-1.7", "application/pdf", Limits())
    )
    assert (evidence.code, evidence.status) == ("text.no-pixels", Status.UNCHECKED)
