"""PNG: the chunks, each with its checksum. Source: W3C PNG (third edition), clauses 5 and 11."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged

_MAX_CHUNKS = 500_000
_SINGLE = frozenset({b"IHDR", b"PLTE", b"iCCP", b"tRNS", b"acTL", b"eXIf"})
_GRAY_TYPES = (0, 4)
_CHANNELS = {0: 1, 2: 3}
_NOT_SDR = {9: "BT.2020", 16: "PQ", 18: "HLG"}


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Every chunk up to IEND, its checksum verified; what follows IEND is not looked at.

    Raises:
        UnreadablePicture: cut short, a wrong checksum, or an absurd number of chunks.
    """
    view = memoryview(data)
    at = 8
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            raise damaged("PNG", "the file ends before its IEND chunk")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise damaged("PNG", f"chunk {kind!r} at byte {at:,} has a wrong checksum")
        yield kind, view[at + 8 : end]
        if kind == b"IEND":
            return
        at = end + 4
    raise damaged("PNG", f"more than {_MAX_CHUNKS:,} chunks")


def probe(data: bytes) -> Header:
    """Read size, depth, frames and transparency; verify every checksum."""
    seen: set[bytes] = set()
    ihdr = transparency = b""
    frames = 1
    notes: tuple[str, ...] = ()
    for kind, body in chunks(data):
        if not seen and kind != b"IHDR":
            raise damaged("PNG", "the first chunk is not IHDR")
        if kind in _SINGLE and kind in seen:
            raise damaged("PNG", f"chunk {kind!r} occurs twice")
        if kind == b"IHDR":
            ihdr = bytes(body)
        elif kind == b"tRNS":
            transparency = bytes(body[:6])
        elif kind == b"acTL":
            frames = int.from_bytes(body[:4], "big")
            if not 0 < frames <= 0x8000_0000 or len(body) < 8:
                raise damaged("PNG", "the animation header is broken")
        elif kind == b"IDAT" and b"IDAT" not in seen and b"acTL" in seen and b"fcTL" not in seen:
            frames += 1  # a still picture stands before the animation
        elif kind == b"cICP":
            hdr = [_NOT_SDR[value] for value in body[:2] if value in _NOT_SDR]
            if hdr:
                notes = (f"colour is tagged {' '.join(hdr)}; the values were taken as sRGB",)
        seen.add(kind)
    if len(ihdr) < 13:
        raise damaged("PNG", "the IHDR chunk is too short")
    if b"IDAT" not in seen:
        raise damaged("PNG", "there is no IDAT chunk")
    kind_of_colour = ihdr[9]
    samples = _CHANNELS.get(kind_of_colour, 0)
    key = None
    if samples and transparency:
        if len(transparency) < 2 * samples:
            raise damaged("PNG", "the tRNS chunk is too short")
        key = tuple(
            int.from_bytes(transparency[2 * i : 2 * i + 2], "big") for i in range(samples)
        )
    return Header(
        width=int.from_bytes(ihdr[:4], "big"),
        height=int.from_bytes(ihdr[4:8], "big"),
        frames=frames,
        depth=ihdr[8],
        gray=kind_of_colour in _GRAY_TYPES,
        key=key,
        notes=notes,
    )
