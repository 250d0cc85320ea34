"""What an EXIF block says, as far as claims are made of it.

Source: Exif 2.32 (CIPA DC-008) sections 4.6.3 to 4.6.6; the XP tags are Microsoft's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provenance.claims.collector import decoded
from provenance.claims.tiff import Tiff, Value

_TEXTS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9003: "DateTimeOriginal",
    0x9286: "UserComment",
    0xA433: "LensMake",
    0xA434: "LensModel",
}
_NUMBERS = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISO",
    0x920A: "FocalLength",
}
_ORIENTATION, _EXIF_IFD, _GPS_IFD, _MAKER_NOTE, _COMMENT = 0x0112, 0x8769, 0x8825, 0x927C, 0x9286
_THUMBNAIL_AT, _THUMBNAIL_SIZE = 0x0201, 0x0202
_FIRST = frozenset({*_TEXTS, *_NUMBERS, _ORIENTATION, _EXIF_IFD, _GPS_IFD, _MAKER_NOTE})
_THUMBNAIL = frozenset({_THUMBNAIL_AT, _THUMBNAIL_SIZE})

_MOST = 1 << 20
_MOST_THUMBNAIL = 1 << 18


@dataclass(frozen=True, slots=True)
class Exif:
    """The tags that matter here.

    Attributes:
        texts: by tag name, such as `Software`; empty ones are left out.
        numbers: exposure time in seconds, f-number, ISO, focal length in millimetres.
        orientation: 1 to 8.
        maker_note: its first 64 bytes, which tell whose form it has; or empty.
        thumbnail: a small JPEG, or empty.
        located: a position by GPS is stated. Which one is not read.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    orientation: int = 1
    maker_note: bytes = b""
    thumbnail: bytes = b""
    located: bool = False


def read_exif(tiff: Tiff) -> Exif:
    """The first directory, the EXIF directory and the thumbnail. Never raises."""
    tags, following = tiff.directory(tiff.first, _FIRST, _MOST)
    if _EXIF_IFD in tags:
        more, _ = tiff.directory(tags[_EXIF_IFD].number() or 0, _FIRST, _MOST)
        tags = more | tags
    texts = {name: _text(tag, tags[tag]) for tag, name in _TEXTS.items() if tag in tags}
    numbers = {name: tags[tag].ratio() for tag, name in _NUMBERS.items() if tag in tags}
    numbers["ISO"] = tags[0x8827].number() if 0x8827 in tags else None
    orientation = (tags[_ORIENTATION].number() if _ORIENTATION in tags else 1) or 1
    return Exif(
        {name: text for name, text in texts.items() if text},
        {name: float(number) for name, number in numbers.items() if number},
        orientation if orientation in range(1, 9) else 1,
        tags[_MAKER_NOTE].data[:64] if _MAKER_NOTE in tags else b"",
        _thumbnail(tiff, following),
        _GPS_IFD in tags,
    )


def _thumbnail(tiff: Tiff, at: int) -> bytes:
    tags, _ = tiff.directory(at, _THUMBNAIL)
    if len(tags) < 2:
        return b""
    size = tags[_THUMBNAIL_SIZE].number() or 0
    data = tiff.read(tags[_THUMBNAIL_AT].number() or 0, min(size, _MOST_THUMBNAIL))
    return data if data.startswith(b"\xff\xd8\xff") else b""


def _text(tag: int, value: Value) -> str:
    data = value.data
    if tag == _COMMENT:
        text = _comment(data, value.order)
    elif tag in (0x9C9B, 0x9C9C):
        text = data.decode("utf-16-le", "replace")
    else:
        text = decoded(data.rstrip(b"\0"))
    return text.strip("\0 \t\r\n")


def _comment(data: bytes, order: str) -> str:
    """The comment behind its character code, which some programs leave out."""
    code, text = data[:8], data[8:]
    if code in (b"UNICODE\0", b"UNICODE "):
        return text.decode(_utf16(text, order), "replace")
    if code == b"JIS\0\0\0\0\0":
        return text.decode("iso2022_jp", "replace")
    if code in (b"ASCII\0\0\0", b"ascii\0\0\0", bytes(8)):
        return decoded(text)
    return decoded(data)


def _utf16(text: bytes, order: str) -> str:
    """The byte order: by its mark, or by where the zeros of Latin letters stand.

    piexif writes big-endian whatever the block has, and others the order of the block.
    """
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    head = text[:512]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even == odd:
        return "utf-16-le" if order == "little" else "utf-16-be"
    return "utf-16-be" if even > odd else "utf-16-le"
