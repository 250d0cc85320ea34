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
    found: dict[bytes, bytes] = {}
    frames = 1
    for kind, body in chunks(data):
        if not found and kind != b"IHDR":
            raise damaged("PNG", "the first chunk is not IHDR")
        if kind in _SINGLE and kind in found:
            raise damaged("PNG", f"chunk {kind!r} occurs twice")
        if kind == b"acTL":
            frames = _frames(body)
        elif kind == b"IDAT" and b"acTL" in found and not {b"IDAT", b"fcTL"} & found.keys():
            frames += 1  # a still picture stands before the animation
        found.setdefault(kind, bytes(body[:13]))
    ihdr = found[b"IHDR"]
    if len(ihdr) < 13:
        raise damaged("PNG", "the IHDR chunk is too short")
    if b"IDAT" not in found:
        raise damaged("PNG", "there is no IDAT chunk")
    return Header(
        width=int.from_bytes(ihdr[:4], "big"),
        height=int.from_bytes(ihdr[4:8], "big"),
        frames=frames,
        depth=ihdr[8],
        gray=ihdr[9] in _GRAY_TYPES,
        key=_key(found.get(b"tRNS"), _CHANNELS.get(ihdr[9], 0)),
        notes=_colour(found.get(b"cICP", b"")),
    )


def _frames(body: memoryview) -> int:
    frames = int.from_bytes(body[:4], "big")
    if len(body) < 8 or not 0 < frames <= 0x8000_0000:
        raise damaged("PNG", "the animation header is broken")
    return frames


def _key(transparency: bytes | None, samples: int) -> tuple[int, ...] | None:
    if transparency is None or samples == 0:
        return None
    if len(transparency) < 2 * samples:
        raise damaged("PNG", "the tRNS chunk is too short")
    return tuple(
        int.from_bytes(transparency[at : at + 2], "big") for at in range(0, 2 * samples, 2)
    )


def _colour(cicp: bytes) -> tuple[str, ...]:
    names = [_NOT_SDR[value] for value in cicp[:2] if value in _NOT_SDR]
    return (f"colour is tagged {' '.join(names)}; the values were taken as sRGB",) if names else ()
