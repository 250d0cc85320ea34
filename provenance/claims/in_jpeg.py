"""Metadata of a JPEG: the segments before the pixels.

Source: ITU T.81 annex B; Exif 2.32 section 4.7; XMP part 3 section 1.1.3 (extended packets);
Photoshop file formats, image resources (IPTC is resource 0x0404).
"""

from __future__ import annotations

import hashlib
import re

from provenance.claims.collector import MAX_STEPS, Collector, decoded
from provenance.claims.icc import profile_name
from provenance.claims.view import View

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_HAS_EXTENSION = re.compile(rb"""HasExtendedXMP(?:=|>)\s*["']?([0-9A-Fa-f]{32})""")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def read(view: View, found: Collector) -> None:
    """Walk the segments up to the first scan."""
    tables = hashlib.sha256()
    parts: dict[bytes, list[tuple[int, bytes]]] = {}
    at = 2
    for _ in range(MAX_STEPS):
        head = view.read(at, 4)
        if len(head) < 4 or head[0] != 0xFF:
            break
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        if marker in (0xD9, 0xDA):
            break
        length = int.from_bytes(head[2:], "big")
        if marker == 0xDB:
            data = view.read(at + 4, length - 2)
            tables.update(data)
            found.encoder["quantisation"] = ""
        elif marker in _FRAMES:
            _frame(view.read(at + 4, length - 2), marker, found)
        elif marker == 0xFE or 0xE0 <= marker <= 0xEF:
            if not found.admits("a JPEG segment", length):
                break
            _segment(marker, view.read(at + 4, length - 2), found, parts)
        at += 2 + max(length, 2)
    else:
        found.stopped()
    if "quantisation" in found.encoder:
        found.encoder["quantisation"] = tables.hexdigest()[:16]
    _join(found, parts)


def _frame(data: bytes, marker: int, found: Collector) -> None:
    found.height = int.from_bytes(data[1:3], "big")
    found.width = int.from_bytes(data[3:5], "big")
    found.encoder["process"] = "progressive" if marker == 0xC2 else "sequential"
    found.encoder["sampling"] = ",".join(f"{v >> 4}x{v & 15}" for v in data[7:16:3])


def _segment(
    marker: int, data: bytes, found: Collector, parts: dict[bytes, list[tuple[int, bytes]]]
) -> None:
    if marker == 0xFE:
        found.comments.append(decoded(data.rstrip(b"\0")))
    elif marker == 0xE1 and data.startswith(b"Exif\0\0"):
        found.exif = found.exif or data[6:]
    elif marker == 0xE1 and data.startswith(_XMP):
        found.xmp.append(data[len(_XMP) :])
    elif marker == 0xE1 and data.startswith(_EXTENSION):
        rest = data[len(_EXTENSION) :]
        place = int.from_bytes(rest[36:40], "big")
        parts.setdefault(rest[:32].upper(), []).append((place, rest[40:]))
    elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0"):
        found.icc = found.icc or profile_name(data[14:])
    elif marker == 0xED and data.startswith(b"Photoshop 3.0\0"):
        found.iim = found.iim or iptc_resource(data[14:])
    elif marker == 0xEB and data[:2] == b"JP":
        found.credentials = True
    elif not data.startswith((b"JFIF\0", b"JFXX\0", b"Adobe\0", b"MPF\0", b"Ducky\0")):
        found.segments.append((f"APP{marker - 0xE0}", data))


def iptc_resource(data: bytes) -> bytes | None:
    """The IPTC records among Photoshop's image resources."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        named = data[at + 6]
        at += 7 + named + (named + 1) % 2
        size = int.from_bytes(data[at : at + 4], "big")
        if kind == 0x0404:
            return data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return None


def _join(found: Collector, parts: dict[bytes, list[tuple[int, bytes]]]) -> None:
    """Put an extended packet together, if the main one names it and no part is missing."""
    for packet in tuple(found.xmp):
        match = _HAS_EXTENSION.search(packet)
        pieces = sorted(parts.pop(match[1].upper(), [])) if match else []
        whole = bytearray()
        for place, piece in pieces:
            if place != len(whole):
                found.notes.append("a part of the extended XMP is missing: it was not read")
                break
            whole += piece
        else:
            if whole:
                found.xmp.append(bytes(whole))
