"""The fakes do what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.errors import TooSmall
from provenance.picture import Picture
from provenance.testing import FailingClassifier, FakeWatermarker, FixedClassifier
from provenance.watermark.interface import Payload, Watermarker
from tests import signed


def test_a_fixed_classifier_remembers_what_it_was_shown():
    fake = FixedClassifier({"gore": 0.5})
    assert fake.scores("a") == {"gore": 0.5}
    assert fake.categories == ("gore",)
    assert fake.seen == ["a"]


def test_a_failing_classifier_fails():
    with pytest.raises(ZeroDivisionError):
        FailingClassifier(ZeroDivisionError()).scores("a")


def test_the_fake_watermark_is_one():
    fake = FakeWatermarker()
    assert isinstance(fake, Watermarker)
    payload = Payload.random()
    assert fake.extract(fake.embed(signed.drawing(), payload)).payload == payload
    assert not fake.extract(signed.drawing()).found


def test_the_fake_watermark_refuses_what_is_too_small():
    small = Picture.from_array(np.zeros((4, 40, 3), np.uint8))
    with pytest.raises(TooSmall, match="40×4"):
        FakeWatermarker().embed(small, Payload(1))
    assert not FakeWatermarker().extract(Picture.from_array(np.zeros((2, 2, 3), np.uint8))).found
