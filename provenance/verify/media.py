"""Names any file that can carry credentials, by its first bytes; its name is never asked."""

from __future__ import annotations

from provenance.codec.sniff import sniff
from provenance.errors import InputError, UnreadablePicture

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
)
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"qt  ", "video/quicktime"),
    (b"M4A ", "audio/mp4"),
)
"""Major brands of ISO base media files (ISO/IEC 14496-12); any other is called video/mp4."""

_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}


def media_type(data: bytes) -> str:
    """The IANA media type of the bytes.

    Raises:
        UnreadablePicture: empty, or nothing that carries pixels or credentials.
    """
    try:
        return f"image/{sniff(data).lower()}"
    except InputError as error:
        found = _other(data)
        if found is None:
            raise UnreadablePicture(str(error)) from error
        return found


def _other(data: bytes) -> str | None:
    for prefix, name in _PREFIXES:
        if data.startswith(prefix):
            return name
    if data[4:8] == b"ftyp":
        return next((name for brand, name in _BRANDS if data[8:12] == brand), "video/mp4")
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in start):
        return "image/svg+xml"
    return None
