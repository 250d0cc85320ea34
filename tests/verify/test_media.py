"""Files are named by their first bytes."""

from __future__ import annotations

import pytest

from provenance.errors import UnreadablePicture
from provenance.verify.media import media_type
from tests import signed


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
    ],
)
def test_what_we_write(kind, expected):
    assert media_type(signed.encoded(kind).data) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"GIF89a", "image/gif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"ID3\4\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heif"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A ", "audio/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", "video/mp4"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\0\0\0AVI LIST", "video/x-msvideo"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg/>', "image/svg+xml"),
    ],
)
def test_what_else_can_carry_credentials(start, expected):
    assert media_type(start.ljust(64, b"\0")) == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"hello, I am a text", b"RIFF\0\0\0\0XXXX", b"<?xml version='1.0'?><html/>"],
)
def test_anything_else_is_refused_in_one_sentence(data):
    with pytest.raises(UnreadablePicture, match=r"expected .*PNG, JPEG"):
        media_type(data)
