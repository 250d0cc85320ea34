"""Metadata of a PNG, also behind the pixels, where some writers put it.

Source: PNG (third edition) sections 5 and 11; raw profiles as ImageMagick writes them.
"""

from __future__ import annotations

import struct

from provenance.claims.collector import MAX_STEPS, Collector, decoded
from provenance.claims.view import View

_HEAD = struct.Struct(">I4s")
_XMP = "XML:com.adobe.xmp"
_PROFILE = "Raw profile type "
_ROWS = 4
"""Rows of alike chunks of pixels that are passed over at once. Encoders make one and a last chunk;
where each has a length of its own, looking for rows would cost more than to walk."""


def read(view: View, found: Collector) -> None:
    """Walk all chunks; pixels are stepped over."""
    at, rows = 8, 0
    for _ in range(MAX_STEPS):
        head = view.read(at, 8)
        if len(head) < 8:
            return
        length, kind = _HEAD.unpack(head)
        if kind == b"IEND":
            return
        if kind == b"IDAT" and rows < _ROWS:
            at, rows = _past_pixels(view, at, head), rows + 1
            continue
        if kind in _READERS:
            name = f"a PNG chunk {kind.decode()}"
            if found.admits(name, min(length, view.size - at - 8)):
                _READERS[kind](view.read(at + 8, length), found)
        at += 12 + length
    found.stopped()


def _past_pixels(view: View, at: int, head: bytes) -> int:
    """The end of the last chunk of pixels that is as long as this one.

    They stand in a row (section 5.6), and encoders make all but the last alike: stepping from one
    to the next would read a whole file over a network.
    """
    step = 12 + int.from_bytes(head[:4], "big")
    least, most = 0, (view.size - at) // step - 1  # chunks after this one
    middle = most
    while least < most:
        if view.read(at + middle * step, 8) == head:
            least = middle
        else:
            most = middle - 1
        middle = (least + most + 1) // 2
    return at + (least + 1) * step


def _dimensions(data: bytes, found: Collector) -> None:
    found.width = int.from_bytes(data[:4], "big")
    found.height = int.from_bytes(data[4:8], "big")


def _plain(data: bytes, found: Collector) -> None:
    keyword, _, text = data.partition(b"\0")
    _add(keyword.decode("latin-1"), text, found)


def _packed(data: bytes, found: Collector) -> None:
    keyword, _, rest = data.partition(b"\0")
    text = found.inflated("a PNG text", rest[1:])
    if text is not None:
        _add(keyword.decode("latin-1"), text, found)


def _international(data: bytes, found: Collector) -> None:
    keyword, _, rest = data.partition(b"\0")
    packed = rest[:1] == b"\1"
    _, _, rest = rest[2:].partition(b"\0")  # language
    _, _, raw = rest.partition(b"\0")  # translated keyword
    text = found.inflated("a PNG text", raw) if packed else raw
    if text is not None:
        _add(keyword.decode("latin-1"), text, found)


def _add(keyword: str, text: bytes, found: Collector) -> None:
    if keyword == _XMP:
        found.xmp.append(text)
    elif keyword.startswith(_PROFILE):
        _raw_profile(keyword.removeprefix(_PROFILE), text, found)
    else:
        found.texts.append((keyword, decoded(text)))


def _raw_profile(name: str, text: bytes, found: Collector) -> None:
    """A block in hexadecimal behind its name and its length, each on a line."""
    lines = text.split(b"\n", 3)
    try:
        block = bytes.fromhex(lines[3].decode("ascii"))
    except (IndexError, ValueError):
        return
    if name in ("exif", "APP1") and block.startswith(b"Exif\0\0"):
        found.exif = found.exif or block[6:]
    elif name == "exif":
        found.exif = found.exif or block
    elif name == "xmp":
        found.xmp.append(block)
    elif name == "iptc":
        found.iim = found.iim or block


def _exif(data: bytes, found: Collector) -> None:
    found.exif = found.exif or data.removeprefix(b"Exif\0\0")


def _profile(data: bytes, found: Collector) -> None:
    found.icc = data[:80].partition(b"\0")[0].decode("latin-1")


def _credentials(_: bytes, found: Collector) -> None:
    found.credentials = True


_READERS = {
    b"IHDR": _dimensions,
    b"tEXt": _plain,
    b"zTXt": _packed,
    b"iTXt": _international,
    b"eXIf": _exif,
    b"iCCP": _profile,
    b"caBX": _credentials,
}
