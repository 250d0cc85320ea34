"""GIF: the blocks. Source: GIF89a specification, sections 18 to 26."""

from __future__ import annotations

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged

_MAX_BLOCKS = 100_000
_MAX_FRAMES = 1_000


def probe(data: bytes) -> Header:
    """Read the canvas size and count frames, up to a thousand."""
    if len(data) < 13:
        raise damaged("GIF", "the file ends inside its header")
    width, height = _u16(data, 6), _u16(data, 8)
    at = 13 + _palette(data[10])
    frames = 0
    for _ in range(_MAX_BLOCKS):
        block = data[at : at + 1]
        if block == b";" or (not block and frames):
            break
        if block == b"!":
            at = _skip(data, at + 2)
        elif block == b"," and at + 10 <= len(data):
            frames += 1
            right = _u16(data, at + 1) + _u16(data, at + 5)
            bottom = _u16(data, at + 3) + _u16(data, at + 7)
            if right > width or bottom > height:
                raise damaged("GIF", f"frame {frames} lies outside the canvas")
            if frames >= _MAX_FRAMES:
                break
            at = _skip(data, at + 11 + _palette(data[at + 9]))
        elif not block:
            raise damaged("GIF", "there is no frame")
        else:
            at += 1  # stray bytes between blocks are passed over, as every reader does
    if not frames:
        raise damaged("GIF", "there is no frame")
    return Header(width, height, frames=frames)


def _skip(data: bytes, at: int) -> int:
    """The position after a chain of data sub-blocks."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
