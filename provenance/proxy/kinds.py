"""Tells what an answer is, by its first bytes and by what it says of itself; the worse one counts.

What is known to hold pictures that cannot be marked (video, documents, archives, arrays) is
refused. What else is no text is watched on its way for the beginnings of pictures.
"""

from __future__ import annotations

import enum
import re

from provenance.errors import InputError
from provenance.integrations import bodies
from provenance.integrations._starts import ENOUGH, begins_picture
from provenance.proxy.refusals import unprotectable
from provenance.verify.media import media_type

MOST_BLANKS = 65536
"""White space before a body that says what it is."""

_NAMED = (
    ("video/", "video"),
    ("image/svg", "an SVG drawing"),
    ("multipart/x-mixed-replace", "an endless row of pictures"),
    ("application/pdf", "a PDF document"),
    ("application/postscript", "a PostScript document"),
    ("application/zip", "an archive"),
    ("application/x-tar", "an archive"),
    ("application/x-7z", "an archive"),
    ("application/gzip", "an archive"),
    ("application/x-gzip", "an archive"),
    ("application/x-rar", "an archive"),
    ("application/vnd.rar", "an archive"),
    ("application/grpc", "a gRPC message"),
    ("application/x-protobuf", "a binary message"),
    ("application/protobuf", "a binary message"),
    ("application/msgpack", "a binary message"),
    ("application/x-msgpack", "a binary message"),
    ("application/vnd.msgpack", "a binary message"),
    ("application/cbor", "a binary message"),
    ("application/x-npy", "an array"),
    ("application/x-npz", "an array"),
    ("application/vnd.apache.arrow", "an array"),
    ("message/", "another message"),
)
_BEGINNINGS = (
    (b"PK\x03\x04", "an archive"),
    (b"PK\x05\x06", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"BZh", "an archive"),
    (b"\xfd7zXZ\0", "an archive"),
    (b"\x28\xb5\x2f\xfd", "an archive"),
    (b"\x93NUMPY", "an array"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"%!PS", "a PostScript document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\1\0", "an icon file"),
    (b"8BPS\0", "a Photoshop document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"qoif\0", "a QOI picture"),
    (b"DDS \x7c\0\0\0", "a texture"),
    (b"#?RADIANCE", "a Radiance picture"),
)

_SIGNATURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xe0\xe1][\s\S]{2}(?:JFIF|Exif)\0|GIF8[79]a"
    rb"|RIFF[\s\S]{4}WEBPVP8|ftyp(?:avi[fs]|hei[cmsx]|hev[cmsx]|mif1)"
)
WRITTEN = re.compile(
    rb"iVBORw0KGgo[A-Za-z0-9+/_=-]{32}|[/_]9j[/_][247][A-Za-z0-9+/_=-]{48}|R0lGOD[dl]h[A-Za-z0-9+/]"
    rb"{24}|UklGR[A-Za-z0-9+/_-]{7}RUJQ|data:image/(?!svg)[\w.+-]{1,32};base64,[\w+/%-]{4}",
    re.I,
)
"""The beginnings of pictures in base64, and enough of what follows to be no accident."""

TAIL = 128
"""Bytes that have to be looked at again with the next piece: more than either pattern needs."""


class Kind(enum.Enum):
    """How an answer is treated."""

    WHOLE = "read whole, its pictures replaced"
    EVENTS = "server-sent events, one by one"
    LINES = "JSON documents, line by line"
    WATCHED = "passed on while it is watched"


def decided(content_type: str, head: bytes) -> bool:
    """Whether so many first bytes are enough to tell. Streams may begin with empty lines."""
    streams = bodies.kind_of(content_type) in (bodies.Kind.EVENTS, bodies.Kind.LINES)
    blank = not streams and not head.strip() and len(head) < MOST_BLANKS
    return not blank and begins_picture(head[:ENOUGH]) is not None


def kind_of(content_type: str, head: bytes) -> tuple[Kind, str]:
    """How to treat an answer, and as what to look for pictures in it.

    Args:
        content_type: of the header.
        head: its first bytes, `decided` or all there are.

    Raises:
        Refusal: 502, it may hold pictures that nobody can mark.
    """
    said = content_type.partition(";")[0].strip().lower()
    if begins_picture(head[:ENOUGH]):
        return Kind.WHOLE, "image/unknown"
    for beginning, name in _NAMED:
        if said.startswith(beginning):
            raise unprotectable(name)
    for magic, name in _BEGINNINGS:
        if head.startswith(magic):
            raise unprotectable(name)
    _refuse_media(head)
    found = bodies.kind_of(content_type)
    if found is bodies.Kind.EVENTS:
        return Kind.EVENTS, content_type
    if found is bodies.Kind.LINES:
        return Kind.LINES, content_type
    if found in (bodies.Kind.JSON, bodies.Kind.PARTS, bodies.Kind.PICTURE):
        return Kind.WHOLE, content_type
    if head.lstrip()[:1] in (b"{", b"[", b'"') or head[:4].replace(b"\0", b"") in (b"{", b"["):
        return Kind.WHOLE, "application/json"
    if found is bodies.Kind.TEXT:
        return Kind.WHOLE, content_type
    return Kind.WATCHED, content_type


def _refuse_media(head: bytes) -> None:
    try:
        kind = media_type(head)
    except InputError:
        return
    if not kind.startswith("audio/"):
        raise unprotectable(f"{kind}")


class Watch:
    """Looks for pictures in a body that passes by in pieces."""

    def __init__(self) -> None:
        self._tail = b""

    def look(self, piece: bytes) -> None:
        """Look at the next piece, before it is passed on.

        Raises:
            Refusal: 502, a picture begins in it.
        """
        seen = self._tail + piece
        if _SIGNATURE.search(seen) or WRITTEN.search(seen):
            raise unprotectable("a picture inside something else")
        self._tail = seen[-TAIL:]
