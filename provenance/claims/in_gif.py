"""Metadata of a GIF: comments and XMP. Source: GIF89a; XMP part 3 section 1.1.2."""

from __future__ import annotations

from provenance.claims.collector import MAX_STEPS, Collector, decoded
from provenance.claims.view import View

_XMP = b"XMP DataXMP"
_TRAILER = b"\1\xff\xfe\xfd\xfc"
"""The packet stands as it is, and 258 bytes behind it lead a reader of blocks to the end."""

_CREDENTIALS = b"C2PA_GIF"


def read(view: View, found: Collector) -> None:
    """Walk the blocks; pixels are stepped over."""
    found.width = view.number(6, 2, little=True)
    found.height = view.number(8, 2, little=True)
    at = 13 + _palette(view.number(10, 1))
    steps = 0
    while steps < MAX_STEPS:
        kind = view.read(at, 2)
        if kind[:1] == b"," and len(kind) == 2:
            at += 10 + _palette(view.number(at + 9, 1)) + 1
            at, passed = _skip(view, at, MAX_STEPS - steps)
            steps += passed
        elif kind[:1] == b"!" and len(kind) == 2:
            at, passed = _extension(view, at + 2, kind[1], found, MAX_STEPS - steps)
            steps += passed
        else:
            return
    found.stopped()


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(view: View, at: int, most: int) -> tuple[int, int]:
    """Past the blocks that begin at `at`, and how many they were."""
    for passed in range(most):
        size = view.number(at, 1)
        at += 1 + size
        if not size:
            return at, passed + 1
    return at, most


def _extension(view: View, at: int, kind: int, found: Collector, most: int) -> tuple[int, int]:
    name = view.read(at + 1, min(view.number(at, 1), 11)) if kind == 0xFF else b""
    after, passed = _skip(view, at, most)
    size = after - at
    if kind == 0xFE and found.admits("a GIF comment", size):
        found.comments.append(decoded(_joined(view.read(at, size))))
    elif name == _XMP and found.admits("XMP", size):
        found.xmp.append(view.read(at + 12, size).partition(_TRAILER)[0])
    elif name.startswith(_CREDENTIALS):
        found.credentials = True
    return after, passed


def _joined(data: bytes) -> bytes:
    whole, at = bytearray(), 0
    while at < len(data) and data[at]:
        whole += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return bytes(whole)
