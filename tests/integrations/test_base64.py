"""With pybase64 or without, base64 means the same."""

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.integrations import _base64, _texts
from tests.proxy.conftest import png

LETTERS = "ABCabc019+/=-_% \né"


@given(st.binary(max_size=300))
def test_there_and_back(data):
    text = _base64.encoded(data)
    assert text == base64.b64encode(data).decode()
    assert _base64.decoded(text) in (data, None)


@given(st.text(LETTERS, max_size=40))
def test_what_is_decoded_quickly_is_decoded_rightly(text):
    quick = _base64.decoded(text)
    if quick is not None:
        assert quick == binascii.a2b_base64(text, strict_mode=True)


@given(st.text(LETTERS, max_size=40), st.binary(max_size=60))
def test_damaged_texts_decode_alike(text, data):
    mixed = base64.b64encode(data).decode() + text
    with pytest.MonkeyPatch.context() as patch:
        quick = _texts._decoded(mixed)
        patch.setattr(_base64, "_fast", None)
        assert _texts._decoded(mixed) == quick


def test_pictures_are_found_without_it(monkeypatch):
    monkeypatch.setattr(_base64, "_fast", None)
    data = png(1, 32)
    written = _texts.read(base64.b64encode(data).decode())
    assert written.pictures == [data]
