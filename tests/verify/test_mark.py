"""What is said of our own mark: found, not found, or not looked for and why."""

from __future__ import annotations

import pytest

from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.evidence import Origin, Status
from provenance.picture import Encoding, Picture
from provenance.testing import FakeWatermarker
from provenance.verify.interface import Subject
from provenance.verify.mark import MarkCheck
from provenance.watermark.interface import Payload
from tests import signed

SCHEME = FakeWatermarker()
PAYLOAD = Payload(0x01234567_89ABCDEF)


def subject(picture: Picture) -> Subject:
    return Subject(encode(picture, Encoding()).data, "image/png", Limits())


@pytest.fixture(scope="module")
def marked() -> Picture:
    return SCHEME.embed(signed.drawing(), PAYLOAD)


def test_found(marked):
    (evidence,) = MarkCheck(SCHEME).examine(subject(marked))
    assert evidence.code == "watermark.found"
    assert evidence.status is Status.VERIFIED
    assert evidence.origin is Origin.GENERATED
    assert evidence.false_positive_rate == 2.0**-8
    assert evidence.details == {
        "algorithm": SCHEME.algorithm,
        "payload": PAYLOAD.hex,
        "retired_key": False,
    }
    assert "may have been edited since" in evidence.explanation


def test_mark_of_a_second_key_is_found_at_twice_the_rate(marked):
    class OtherKey(FakeWatermarker):
        _MAGIC = 0x3C

    (evidence,) = MarkCheck(OtherKey(), SCHEME).examine(subject(marked))
    assert evidence.code == "watermark.found"
    assert evidence.false_positive_rate == 2.0**-7
    assert evidence.details["retired_key"] is True


def test_not_found_says_nothing():
    (evidence,) = MarkCheck(SCHEME).examine(subject(signed.drawing()))
    assert evidence.code == "watermark.none"
    assert evidence.status is Status.ABSENT
    assert evidence.origin is Origin.UNKNOWN
    assert "says nothing" in evidence.explanation


def test_without_a_key_it_is_not_looked_for():
    (evidence,) = MarkCheck().examine(subject(signed.drawing()))
    assert evidence.code == "watermark.no-key"
    assert evidence.status is Status.UNCHECKED
    assert "provenance init" in evidence.advice


def test_a_file_without_pixels():
    (evidence,) = MarkCheck(SCHEME).examine(Subject(b"fLaC", "audio/flac", Limits()))
    assert evidence.code == "watermark.no-pixels"
    assert evidence.status is Status.UNCHECKED
    assert "audio/flac, which is not a picture" in evidence.explanation


def test_a_picture_too_small_to_hold_one(scene):
    small = Picture.from_array(scene[:7, :12])
    (evidence,) = MarkCheck(SCHEME).examine(subject(small))
    assert evidence.code == "watermark.too-small"
    assert evidence.status is Status.UNCHECKED
    assert "12×7 pixels; a mark needs 8" in evidence.explanation


def test_a_small_cut_that_still_holds_one_is_not_called_too_small(marked):
    cut = Picture.from_array(marked.pixels[:7])
    (evidence,) = MarkCheck(SCHEME).examine(subject(cut))
    assert evidence.code == "watermark.found"
