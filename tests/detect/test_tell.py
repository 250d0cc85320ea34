"""What the checks for tells share."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.detect import tell
from provenance.evidence import Evidence, Status, Weight
from provenance.verify.interface import Subject
from provenance.verify.reasons import coverage
from provenance.weights.interface import WeightsMissing


def subject() -> Subject:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 12, 3), 90, np.uint8)).save(buffer, "PNG")
    return Subject(buffer.getvalue(), "image/png", Limits())


def seen(image: Image.Image) -> Evidence:
    size = f"{image.width}×{image.height} {image.mode}"
    return Evidence("paws", "paws.none", Status.ABSENT, size)


def missing(image: Image.Image) -> Evidence:
    raise WeightsMissing("paws-1", "the weights of paws-1 are not on this machine")


def test_whoever_looks_gets_the_pixels():
    (found,) = tell.looked("paws", "paws-1", subject(), seen)
    assert found.explanation == "12×8 RGB"


def test_missing_weights_come_with_the_command_that_gets_them():
    (found,) = tell.looked("paws", "paws-1", subject(), missing)
    assert (found.source, found.code) == ("paws", "paws.not-checked")
    assert found.status is Status.UNCHECKED
    assert found.explanation.startswith("Not looked for: the weights of paws-1")
    assert found.advice == "Run provenance models pull paws-1."


def test_a_file_without_pixels_is_not_looked_at():
    (found,) = tell.looked("paws", "x", Subject(b"%PDF-", "application/pdf", Limits()), seen)
    assert (found.code, found.status) == ("paws.no-pixels", Status.UNCHECKED)


def test_numbers_are_taken_as_they_were_measured():
    metrics = {"weight": {"ratio": 2, "interval95": [0.5, 6], "generated": 100, "others": 200}}
    assert tell.worth(metrics) == Weight(2, 0.5, 6, 100, 200)


@pytest.mark.parametrize("status", [Status.ABSENT, Status.SUGGESTED])
def test_the_rate_is_what_the_verdict_repeats(status):
    rate = tell.detection_rate({"n": 390, "hits": 8, "rate": 0.0205, "interval95": [0.01, 0.04]})
    found = Evidence("paws", "paws.x", status, "…", details={"detection_rate": rate})
    assert "paws finds something in 2 % of generated pictures (1 to 4 %; measured on 390)" in (
        coverage([found])
    )
