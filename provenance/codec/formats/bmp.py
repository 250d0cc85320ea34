"""BMP: the bitmap header. Source: Windows GDI, BITMAPCOREHEADER and BITMAPINFOHEADER."""

from __future__ import annotations

from provenance.codec.formats.header import Header
from provenance.codec.refusals import damaged


def probe(data: bytes) -> Header:
    """Read the size; a negative height means that rows run downwards."""
    if len(data) < 26:
        raise damaged("BMP", "the file ends inside its header")
    if int.from_bytes(data[14:18], "little") == 12:
        width, height = (int.from_bytes(data[at : at + 2], "little") for at in (18, 20))
    else:
        width, height = (
            int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22)
        )
    return Header(width, abs(height))
