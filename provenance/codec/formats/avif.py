"""AVIF: item properties in the `meta` box. Source: ISO 23008-12 (HEIF) 9.3, AV1-ISOBMFF 2.3."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged
from provenance.picture import Subsampling

_MAX_BOXES = 10_000
_PRIMARIES = {1: "", 2: "", 5: "", 6: "", 7: "", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_CHROMA: dict[int, Subsampling] = {0x00: "4:4:4", 0x08: "4:2:2"}
_TRANSFERS = {16: "PQ", 18: "HLG"}


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Boxes between `at` and `end`: kind, start and end of the body."""
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise damaged("AVIF", f"box {kind!r} runs past the end of the file")
        yield kind, at + head, at + size
        at += size
    raise damaged("AVIF", f"more than {_MAX_BOXES:,} boxes")


def probe(data: bytes) -> Header:
    """Read the largest picture size, depth, chroma and colour that any item declares."""
    sizes: list[tuple[int, int]] = []
    codecs: list[int] = []
    depth = 8
    notes: tuple[str, ...] = ()
    for start, end in _properties(data):
        for kind, at, stop in _boxes(data, start, end):
            body = data[at : min(stop, at + 16)]
            if kind == b"ispe" and len(body) >= 12:
                sizes.append((_u32(body, 4), _u32(body, 8)))
            elif kind == b"av1C" and len(body) >= 3:
                codecs.append(body[2])
                if body[2] & 0x40:
                    depth = max(depth, 12 if body[2] & 0x20 else 10)
            elif kind == b"colr" and body[:4] == b"nclx" and not notes:
                notes = _colour(int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big"))
    if not sizes:
        raise damaged("AVIF", "no item declares its size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    gray = bool(codecs) and all(flags & 0x10 for flags in codecs)
    colour = [flags & 0x0C for flags in codecs if not flags & 0x10]
    subsampling = _CHROMA.get(colour[0], "4:2:0") if colour else None
    return Header(width, height, depth=depth, gray=gray, subsampling=subsampling, notes=notes)


def _properties(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the `ipco` boxes lie: meta, iprp, ipco."""
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind != b"meta":
            continue
        for inner, inner_start, inner_end in _boxes(data, start + 4, end):
            if inner != b"iprp":
                continue
            for leaf, leaf_start, leaf_end in _boxes(data, inner_start, inner_end):
                if leaf == b"ipco":
                    yield leaf_start, leaf_end


def _colour(primaries: int, transfer: int) -> tuple[str, ...]:
    names = [_PRIMARIES.get(primaries, f"primaries {primaries}"), _TRANSFERS.get(transfer, "")]
    found = " ".join(name for name in names if name)
    return (f"colour is tagged {found}; the values were taken as sRGB",) if found else ()


def _u32(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "big")
