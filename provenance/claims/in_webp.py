"""Metadata of a WebP: its RIFF chunks. Source: RFC 9649 section 2."""

from __future__ import annotations

import struct

from provenance.claims.collector import MAX_STEPS, Collector
from provenance.claims.icc import profile_name
from provenance.claims.view import View

_HEAD = struct.Struct("<4sI")
_READ = frozenset({b"VP8X", b"EXIF", b"XMP ", b"ICCP"})


def read(view: View, found: Collector) -> None:
    """Walk all chunks; pictures are stepped over but for their size."""
    at = 12
    for _ in range(MAX_STEPS):
        head = view.read(at, 8)
        if len(head) < 8:
            return
        kind, length = _HEAD.unpack(head)
        at += 8
        if kind in _READ:
            if found.admits("a WebP chunk", min(length, view.size - at)):
                _chunk(kind, view.read(at, length), found)
        elif kind == b"C2PA":
            found.credentials = True
        elif kind == b"VP8 " and not found.width:
            size = view.read(at + 6, 4)
            found.width = int.from_bytes(size[:2], "little") & 0x3FFF
            found.height = int.from_bytes(size[2:], "little") & 0x3FFF
        elif kind == b"VP8L" and not found.width:
            bits = view.number(at + 1, 4, little=True)
            found.width, found.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        at += length + (length & 1)
    found.stopped()


def _chunk(kind: bytes, data: bytes, found: Collector) -> None:
    if kind == b"VP8X" and len(data) >= 10:
        found.width = int.from_bytes(data[4:7], "little") + 1
        found.height = int.from_bytes(data[7:10], "little") + 1
    elif kind == b"EXIF":
        found.exif = found.exif or data.removeprefix(b"Exif\0\0")
    elif kind == b"XMP ":
        found.xmp.append(data)
    elif kind == b"ICCP":
        found.icc = profile_name(data)
