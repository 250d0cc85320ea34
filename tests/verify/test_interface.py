"""A subject decodes once, and says why where it cannot."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provenance.codec.limits import Limits
from provenance.errors import TooLarge, UnreadablePicture, UnsupportedPicture
from provenance.picture import Picture
from provenance.verify import interface
from provenance.verify.interface import Subject
from tests import signed


def test_pixels_are_decoded_once():
    subject = Subject(signed.encoded().data, "image/png", Limits())
    assert isinstance(subject.picture, Picture)
    assert subject.picture is subject.picture


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/jxl", "image/heif", "video/mp4"])
def test_a_format_without_pixels_for_us_is_an_answer(kind):
    refusal = Subject(b"<?xml version='1.0'?><svg/>", kind, Limits()).picture
    assert isinstance(refusal, UnsupportedPicture)
    assert kind in str(refusal)


def test_threads_decode_at_the_same_time(monkeypatch):
    """`functools.cached_property` of Python 3.11 would let them in one by one."""
    gate = threading.Barrier(2)

    def slow(*arguments, **options):
        gate.wait(timeout=10)
        return signed.drawing()

    monkeypatch.setattr(interface, "decode", slow)
    data = signed.encoded().data
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda _: Subject(data, "image/png", Limits()).picture, range(2))
        assert all(isinstance(picture, Picture) for picture in found)


def test_damage_and_size_are_errors():
    data = signed.encoded().data
    with pytest.raises(UnreadablePicture):
        Subject(data[:60], "image/png", Limits()).picture  # noqa: B018
    with pytest.raises(TooLarge):
        Subject(data, "image/png", Limits(max_pixels=10)).picture  # noqa: B018
