"""PNG: the chunks, each with its checksum. Source: W3C PNG (third edition), clauses 5 and 11."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged

_MAX_CHUNKS = 500_000
_SINGLE = frozenset({b"IHDR", b"PLTE", b"iCCP", b"tRNS", b"acTL", b"eXIf"})
_BLOCK = 1 << 20
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
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


def is_complete(data: bytes) -> bool:
    """Whether the compressed data unpack to all the rows that the header promises.

    Pillow takes a stream that ends early, if it ends well, and leaves the other rows zero.
    """
    wanted = None
    unpacker = zlib.decompressobj()
    got = 0
    for kind, body in chunks(data):
        if kind == b"IHDR":
            wanted = _unpacked_size(bytes(body))
        elif kind == b"IDAT" and wanted is not None:
            pending: bytes | memoryview = body
            while pending and got < wanted:
                got += len(unpacker.decompress(pending, _BLOCK))
                pending = unpacker.unconsumed_tail
    while wanted is not None and got < wanted and (more := unpacker.decompress(b"", _BLOCK)):
        got += len(more)
    return wanted is not None and got >= wanted


def _unpacked_size(ihdr: bytes) -> int:
    """Bytes of all rows with their filter bytes. Source: clauses 7.2, 8.1 and 9.2."""
    width, height = (int.from_bytes(ihdr[at : at + 4], "big") for at in (0, 4))
    bits = ihdr[8] * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(ihdr[9], 0)
    size = 0
    for left, top, right, down in _ADAM7 if ihdr[12] else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + -(-columns * bits // 8))
    return size


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
