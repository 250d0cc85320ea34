"""Tells a picture by its first bytes, and when there are too few of them to tell."""

from __future__ import annotations

ENOUGH = 256
"""Bytes after which the answer is never "not yet"."""

_STARTS: tuple[tuple[tuple[int, bytes], ...], ...] = (
    ((0, b"\x89PNG\r\n\x1a\n"),),
    ((0, b"\xff\xd8\xff"),),
    ((0, b"GIF87a"),),
    ((0, b"GIF89a"),),
    ((0, b"RIFF"), (8, b"WEBP")),
    ((0, b"II*\0"),),
    ((0, b"MM\0*"),),
    ((0, b"II+\0"),),
    ((0, b"MM\0+"),),
    ((0, b"BM"), (15, b"\0\0\0")),  # a header of less than 256 bytes
    ((0, b"\0\0\0\x0cJXL "),),
    ((0, b"\0\0\0\x0cjP  "),),
)
"""What must stand where. Those that we cannot read are here as well: they are refused later."""

_BRANDS = frozenset(b"avif avis heic heix heim heis hevc hevx hevm hevs mif1 msf1 miaf".split())
"""Of ISO base media files that hold pictures (ISO/IEC 23008-12; AV1 Image File Format, 1.2)."""


def begins_picture(head: bytes) -> bool | None:
    """True if a picture begins so, False if none does, None while more bytes could decide it."""
    unsure = False
    for parts in _STARTS:
        fits = [_fits(head, at, magic) for at, magic in parts]
        if all(fits):
            return True
        unsure |= False not in fits
    fits_box = _fits(head, 4, b"ftyp")
    if fits_box:
        size = min(int.from_bytes(head[:4], "big"), ENOUGH)
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, min(size, len(head)) - 3, 4)}
        if brands & _BRANDS:
            return True
        unsure |= len(head) < size
    elif fits_box is None:
        unsure |= head[:2] == b"\0\0"[: len(head)]
    return None if unsure else False


def _fits(head: bytes, at: int, magic: bytes) -> bool | None:
    part = head[at : at + len(magic)]
    if part != magic[: len(part)]:
        return False
    return True if len(part) == len(magic) else None
