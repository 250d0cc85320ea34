"""WebP: the RIFF chunks. Source: RFC 9649, sections 2.5 to 2.7."""

from __future__ import annotations

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged

_MAX_CHUNKS = 100_000
_ANIMATED = 0x02


def probe(data: bytes) -> Header:
    """Read the canvas size, the number of frames and whether the coding is lossless."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise damaged("WEBP", f"{end:,} bytes announced, {len(data):,} found")
    size: tuple[int, int] | None = None
    frames = 0
    animated = lossless = False
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            break
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + min(length, 32)]
        if at + 8 + length > end:
            raise damaged("WEBP", f"chunk {kind!r} runs past the end of the file")
        if kind == b"VP8X" and size is None:
            animated = bool(body[0] & _ANIMATED) if body else False
            size = 1 + _u24(body, 4), 1 + _u24(body, 7)
        elif kind == b"ANMF":
            frames += 1
            lossless = lossless or body[16:20] == b"VP8L"
        elif kind == b"VP8L":
            lossless = True
            bits = int.from_bytes(body[1:5], "little")
            size = size or ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif kind == b"VP8 ":
            size = size or (_u16(body, 6) & 0x3FFF, _u16(body, 8) & 0x3FFF)
        at += 8 + length + (length & 1)
    else:
        raise damaged("WEBP", f"more than {_MAX_CHUNKS:,} chunks")
    if size is None:
        raise damaged("WEBP", "there is no picture chunk")
    return Header(*size, frames=max(frames, 1) if animated else 1, lossless=lossless)


def _u16(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 2], "little")


def _u24(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 3], "little")
