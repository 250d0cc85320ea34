"""Metadata of AVIF, HEIC, MP4 and MOV: the boxes of ISO base media files.

Source: ISO/IEC 14496-12 sections 4, 8.11 (meta, iloc, iinf); 23008-12 section 6.5.3 (ispe) and
annex A (Exif items); QuickTime file format, metadata (keys and ilst); XMP part 3 section 1.2.7.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from provenance.claims.collector import MAX_STEPS, Collector, decoded
from provenance.claims.view import View

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_RDF = b"application/rdf+xml"
_MOST_ITEMS = 4096
_EXIF_OFFSET = 4

_Box = tuple[bytes, int, int]
"""Kind, start and end of the contents."""


def read(view: View, found: Collector) -> None:
    """The metadata at the file's own level, and that of a film."""
    for kind, start, end in _boxes(view, 0, view.size, found):
        if kind == b"meta":
            _meta(view, start, end, found)
        elif kind == b"moov":
            _film(view, start, end, found)
        elif kind == b"uuid":
            name = view.read(start, 16)
            found.credentials |= name == _C2PA
            if name == _XMP and found.admits("XMP", end - start - 16):
                found.xmp.append(view.read(start + 16, end - start - 16))


def _boxes(view: View, at: int, end: int, found: Collector) -> Iterator[_Box]:
    for _ in range(MAX_STEPS):
        head = view.read(at, 8)
        if at + 8 > end or len(head) < 8:
            return
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        start = at + 8
        if size == 1:
            size, start = view.number(at + 8, 8), at + 16
        after = end if size == 0 else at + size
        if after < start:
            return
        yield kind, start, min(after, end)
        at = after
    found.stopped()


def _film(view: View, start: int, end: int, found: Collector) -> None:
    for kind, inner, after in _boxes(view, start, end, found):
        if kind == b"meta":
            _meta(view, inner, after, found)
        elif kind == b"udta":
            for sort, place, stop in _boxes(view, inner, after, found):
                if sort == b"meta":
                    _meta(view, place, stop, found)
                elif sort == b"XMP_" and found.admits("XMP", stop - place):
                    found.xmp.append(view.read(place, stop - place))
        elif kind == b"trak" and not found.width:
            _track(view, inner, after, found)


def _track(view: View, start: int, end: int, found: Collector) -> None:
    for kind, _, after in _boxes(view, start, end, found):
        if kind == b"tkhd":
            found.width = view.number(after - 8, 4) >> 16
            found.height = view.number(after - 4, 4) >> 16


def _meta(view: View, start: int, end: int, found: Collector) -> None:
    # QuickTime's box has no version before its children.
    first = start if view.read(start + 4, 4) == b"hdlr" else start + 4
    boxes = {kind: (at, after) for kind, at, after in _boxes(view, first, end, found)}
    if b"keys" in boxes and b"ilst" in boxes:
        _keys(view, boxes[b"keys"], boxes[b"ilst"], found)
    elif b"ilst" in boxes:
        for kind, at, after in _boxes(view, *boxes[b"ilst"], found):
            _item(view, kind.decode("latin-1"), at, after, found)
    if b"iprp" in boxes:
        _dimensions(view, *boxes[b"iprp"], found)
    if b"iinf" in boxes and b"iloc" in boxes:
        idat = boxes.get(b"idat", (0, 0))[0]
        _items(view, boxes[b"iinf"], boxes[b"iloc"], idat, found)


def _keys(view: View, keys: tuple[int, int], ilst: tuple[int, int], found: Collector) -> None:
    names = {}
    at = keys[0] + 8
    for number in range(1, 1 + min(view.number(keys[0] + 4, 4), _MOST_ITEMS)):
        size = view.number(at, 4)
        if size < 8 or at + size > keys[1]:
            break
        names[number] = decoded(view.read(at + 8, min(size - 8, 256)))
        at += size
    for kind, start, end in _boxes(view, *ilst, found):
        name = names.get(int.from_bytes(kind, "big"))
        if name is not None:
            _item(view, name, start, end, found)


def _item(view: View, name: str, start: int, end: int, found: Collector) -> None:
    for kind, at, after in _boxes(view, start, end, found):
        if kind == b"data" and found.admits("a key", after - at):
            found.keys.append((name, decoded(view.read(at + 8, after - at - 8))))


def _dimensions(view: View, start: int, end: int, found: Collector) -> None:
    """The largest picture: thumbnails, alpha and tiles are not larger."""
    for kind, inner, after in _boxes(view, start, end, found):
        if kind != b"ipco":
            continue
        for sort, at, _ in _boxes(view, inner, after, found):
            if sort == b"ispe":
                width, height = view.number(at + 4, 4), view.number(at + 8, 4)
                if width * height > found.width * found.height:
                    found.width, found.height = width, height


def _items(
    view: View, iinf: tuple[int, int], iloc: tuple[int, int], idat: int, found: Collector
) -> None:
    places = _places(view, *iloc, idat)
    start = iinf[0] + (6 if view.number(iinf[0], 1) == 0 else 8)
    for kind, at, end in _boxes(view, start, iinf[1], found):
        version = view.number(at, 1)
        if kind != b"infe" or version not in (2, 3):
            continue
        wide = 2 if version == 2 else 4
        number = view.number(at + 4, wide)
        sort = view.read(at + 6 + wide, 4)
        if number not in places or sort not in (b"Exif", b"mime"):
            continue
        place, size = places[number]
        if sort == b"mime" and _RDF not in view.read(at, min(end - at, 512)):
            continue
        if not found.admits("metadata in an item", size):
            continue
        data = view.read(place, size)
        if sort == b"mime":
            found.xmp.append(data)
        else:
            skipped = _EXIF_OFFSET + int.from_bytes(data[:4], "big")
            found.exif = found.exif or data[skipped:].removeprefix(b"Exif\0\0")


def _places(view: View, start: int, end: int, idat: int) -> dict[int, tuple[int, int]]:
    """Where each item in one piece lies, by its number."""
    version = view.number(start, 1)
    sizes = view.number(start + 4, 2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 2 if version < 2 else 4
    at = start + 6 + wide
    places = {}
    for _ in range(min(view.number(start + 6, wide), _MOST_ITEMS)):
        if at >= end:
            break
        number = view.number(at, wide)
        at += wide
        method = 0
        if version:
            method = view.number(at, 2) & 15
            at += 2
        origin = view.number(at + 2, base) if base else 0
        at += 2 + base
        extents = view.number(at, 2)
        at += 2
        if version:
            at += index
        first = view.number(at, offset) if offset else 0
        size = view.number(at + offset, length) if length else 0
        at += extents * (offset + length) + max(extents - 1, 0) * (index if version else 0)
        if extents == 1 and method in (0, 1):
            places[number] = (origin + first + (idat if method else 0), size)
    return places
