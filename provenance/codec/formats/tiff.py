"""TIFF: the chain of image file directories. Source: TIFF 6.0 sections 2 and 8; BigTIFF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged
from provenance.errors import UnsupportedPicture

_MAX_PAGES = 10_000
_SIZES = {1: 1, 3: 2, 4: 4, 16: 8}  # BYTE, SHORT, LONG, LONG8
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES = 254, 256, 257, 258, 262, 277
_TILE_WIDTH, _TILE_HEIGHT, _DNG = 322, 323, 50706
_REDUCED, _MASK = 1, 4


@dataclass(frozen=True, slots=True)
class _Layout:
    order: Literal["little", "big"]
    big: bool


@dataclass(slots=True)
class _Page:
    tags: dict[int, int] = field(default_factory=dict)
    next: int = 0


def probe(data: bytes) -> Header:
    """Read size and depth of the first page, and count the pages.

    Reduced previews and masks (NewSubfileType 1 and 4) after the first page are not pages.
    """
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    layout = _Layout(order, data[2:4] in (b"+\0", b"\0+"))
    at = _int(data, 8, 8, order) if layout.big else _int(data, 4, 4, order)
    first: _Page | None = None
    frames = 0
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _MAX_PAGES:
        seen.add(at)
        page = _page(data, at, layout)
        if first is None:
            first = page
            frames = 1
        elif not page.tags.get(_SUBFILE, 0) & (_REDUCED | _MASK):
            frames += 1
        at = page.next
    if first is None:
        raise damaged("TIFF", "there is no picture directory")
    return _header(first, frames)


def _header(page: _Page, frames: int) -> Header:
    tags = page.tags
    if _DNG in tags or tags.get(_SUBFILE, 0) & _REDUCED:
        raise UnsupportedPicture(
            "the file is a camera raw file or begins with a reduced preview; "
            "develop it to PNG, JPEG or a plain TIFF first"
        )
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    # A tile is decoded whole, so a lie about its size counts as the picture's size.
    tile = tags.get(_TILE_WIDTH, 0), tags.get(_TILE_HEIGHT, 0)
    if tile[0] * tile[1] > max(width * height, 1 << 24):
        width, height = tile
    return Header(
        width,
        height,
        frames=frames,
        depth=tags.get(_BITS, 1),
        gray=tags.get(_PHOTOMETRIC, 0) in (0, 1),
    )


def _page(data: bytes, at: int, layout: _Layout) -> _Page:
    entry, head = (20, 8) if layout.big else (12, 2)
    count = _int(data, at, head, layout.order)
    end = at + head + count * entry
    if count == 0 or end > len(data):
        raise damaged("TIFF", "the picture directory runs past the end of the file")
    page = _Page()
    for start in range(at + head, end, entry):
        tag = _int(data, start, 2, layout.order)
        size = _SIZES.get(_int(data, start + 2, 2, layout.order))
        if size is None:
            continue
        word = 8 if layout.big else 4
        number = _int(data, start + 4, word, layout.order)
        value = start + 4 + word
        if number * size > word:
            value = _int(data, value, word, layout.order)
        if number:
            page.tags[tag] = _int(data, value, size, layout.order)
    page.next = _int(data, end, 8 if layout.big else 4, layout.order)
    return page


def _int(data: bytes, at: int, size: int, order: Literal["little", "big"]) -> int:
    return int.from_bytes(data[at : at + size], order)
