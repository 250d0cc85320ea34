"""EXIF and XMP as raw bytes, without the orientation that was applied and without thumbnails.

EXIF is edited in place rather than parsed and written anew: maker notes hold offsets that a
rewrite would break. Source: Exif 2.32 (CIPA DC-008), section 4.5 and 4.6; TIFF 6.0 section 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

_MAX_EXIF = 1024 * 1024
_MAX_XMP = 8 * 1024 * 1024
_MAX_TEXT = 16 * 1024 * 1024
_PREFIX = b"Exif\0\0"
_ORIENTATION, _THUMBNAIL_AT, _THUMBNAIL_SIZE = 0x0112, 0x0201, 0x0202
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_WIDTHS = {1: 1, 3: 2, 4: 4}

# Of a TIFF's own tags these describe the picture; the others describe how the file is laid out.
_TIFF_KEPT = (270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432)

_XMP_ORIENTATION = re.compile(
    rb"""(tiff:Orientation\s*=\s*["']|<tiff:Orientation>\s*)[2-8](?=\s*["'<])"""
)


@dataclass(frozen=True, slots=True)
class Exif:
    """An EXIF block, taken apart as far as we need.

    Attributes:
        data: the block from its byte order mark on, without orientation and thumbnail; or None.
        orientation: 1 to 8, to be applied to the pixels.
        notes: what was dropped against expectation.
    """

    data: bytes | None = None
    orientation: int = 1
    notes: tuple[str, ...] = ()


def clean_exif(block: bytes | None) -> Exif:
    """Take orientation and thumbnail out of an EXIF block. Never raises."""
    if not block:
        return Exif()
    block = block.removeprefix(_PREFIX)
    if len(block) > _MAX_EXIF:
        return Exif(notes=(f"EXIF of {len(block):,} bytes is too large; it was ignored",))
    try:
        return _clean(bytearray(block))
    except ValueError:
        return Exif(notes=("the EXIF block is damaged; it was ignored",))


def clean_xmp(packet: bytes | str | None) -> tuple[bytes | None, tuple[str, ...]]:
    """Set the orientation that an XMP packet repeats from EXIF to upright."""
    if not packet:
        return None, ()
    data = packet.encode() if isinstance(packet, str) else bytes(packet)
    if len(data) > _MAX_XMP:
        return None, (f"XMP of {len(data):,} bytes is too large; it was ignored",)
    return _XMP_ORIENTATION.sub(rb"\g<1>1", data), ()


def clean_text(text: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Keep text chunks while they are of a sane size; XMP is kept elsewhere."""
    kept = {str(key): str(value) for key, value in text.items() if key != "XML:com.adobe.xmp"}
    size = sum(len(key) + len(value) for key, value in kept.items())
    if size > _MAX_TEXT:
        return {}, (f"text chunks of {size:,} characters are too large; they were ignored",)
    return kept, ()


def exif_of_tiff(image: Image.Image) -> bytes | None:
    """The tags of a TIFF that describe the picture, as an EXIF block."""
    result = Image.Exif()
    for tag, value in _descriptive(image.getexif()).items():
        result[tag] = value
    return result.tobytes() if len(result) else None


def tags_for_tiff(exif: bytes) -> dict[int, Any]:
    """The tags of an EXIF block that describe the picture, to be a TIFF's own."""
    source = Image.Exif()
    source.load(_PREFIX + exif)
    return _descriptive(source)


def _descriptive(source: Image.Exif) -> dict[int, Any]:
    tags = {tag: source[tag] for tag in _TIFF_KEPT if tag in source}
    for ifd in (_EXIF_IFD, _GPS_IFD):
        if ifd in source and (values := source.get_ifd(ifd)):
            tags[ifd] = dict(values)
    return tags


def _clean(block: bytearray) -> Exif:
    orders: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
    order = orders.get(bytes(block[:2]))
    if order is None or _read(block, 2, 2, order) != 42:
        raise ValueError("no byte order mark")
    start = _read(block, 4, 4, order)
    count = _read(block, start, 2, order)
    end = start + 2 + 12 * count
    _read(block, end, 4, order)
    orientation = 1
    kept = bytearray()
    for at in range(start + 2, end, 12):
        if _read(block, at, 2, order) == _ORIENTATION:
            width = _WIDTHS.get(_read(block, at + 2, 2, order), 2)
            orientation = _read(block, at + 8, width, order)
        else:
            kept += block[at : at + 12]
    following = _read(block, end, 4, order)
    if following:
        _erase_thumbnail(block, following, order)
    # The directory keeps its place, so that every offset in the block stays true.
    entries = len(kept) // 12
    body = entries.to_bytes(2, order) + kept + bytes(4)
    block[start : end + 4] = body.ljust(end + 4 - start, b"\0")
    if orientation not in range(1, 9):
        orientation = 1
    return Exif(bytes(block) if entries else None, orientation)


def _erase_thumbnail(block: bytearray, start: int, order: Literal["little", "big"]) -> None:
    """Blank the second directory and the preview that it points to; cut it off at the end."""
    count = _read(block, start, 2, order)
    end = start + 2 + 12 * count + 4
    found = {}
    for at in range(start + 2, min(end - 4, len(block) - 12 + 1), 12):
        tag = _read(block, at, 2, order)
        if tag in (_THUMBNAIL_AT, _THUMBNAIL_SIZE):
            found[tag] = _read(block, at + 8, 4, order)
    at, size = found.get(_THUMBNAIL_AT, 0), found.get(_THUMBNAIL_SIZE, 0)
    if at >= 8 and size:
        stop = min(at + size, len(block))
        if stop >= len(block):
            del block[at:]
        else:
            block[at:stop] = bytes(stop - at)
    stop = min(end, len(block))
    if stop > start:
        block[start:stop] = bytes(stop - start)


def _read(block: bytearray, at: int, size: int, order: Literal["little", "big"]) -> int:
    if at + size > len(block):
        raise ValueError(f"offset {at} lies past the end")
    return int.from_bytes(block[at : at + size], order)
