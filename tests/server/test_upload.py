"""Forms as clients send them, and as nobody should."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from provenance.server.errors import Refusal
from provenance.server.upload import MAX_PARTS, MAX_TEXT, upload

KIND = "multipart/form-data; boundary=x"


def form(*parts: bytes) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


def part(name: str, data: bytes, more: str = "") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data


FILE = part("file", b"\0\r\n--y\xff", '; filename="a.png"')


def test_a_body_is_the_file_itself():
    assert upload([b"a", b"b"], "image/png").data == b"ab"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_form_however_it_is_cut(size):
    body = form(part("prompt", "grün".encode()), FILE)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    sent = upload(pieces, KIND)
    assert (sent.data, sent.name, sent.texts) == (b"\0\r\n--y\xff", "a.png", {"prompt": "grün"})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (form(FILE, FILE), "several files"),
        (form(part("prompt", b"a")), "no file"),
        (form(FILE, part("a", b""), part("a", b"")), "twice"),
        (form(FILE, part("a", b"x" * (MAX_TEXT + 1))), "shorter"),
        (form(*(part(str(n), b"") for n in range(MAX_PARTS + 1))), "parts"),
        (form(FILE)[:-4], "cut short"),
        (b"", "cut short"),
        (b"rubbish", "damaged"),
        (form(b"X: " + b"a" * 10_000 + b"\r\n\r\n"), "damaged"),
        (form(b"A: b\r\n" * 100 + b"\r\n"), "damaged"),
    ],
)
def test_forms_that_are_refused(body, said):
    with pytest.raises(Refusal, match=said) as refusal:
        upload([body], KIND)
    assert refusal.value.status == 400


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary(kind):
    with pytest.raises(Refusal, match="boundary"):
        upload([form(FILE)], kind)


@hypothesis.given(st.binary(max_size=200), st.integers(0, 300), st.binary(max_size=6))
def test_whatever_comes_is_taken_or_refused(noise, at, put):
    body = form(part("prompt", noise), FILE)
    body = body[:at] + put + body[at + len(put) :]
    try:
        upload([body], KIND)
    except Refusal as refusal:
        assert refusal.status == 400


@hypothesis.given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_whatever_is_called_its_type(kind):
    try:
        upload([form(FILE)], kind)
    except Refusal as refusal:
        assert refusal.status == 400
