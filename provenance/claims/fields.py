"""Every text of a file's metadata with its place, in one form for all readers of claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from provenance.claims import iim, xmp
from provenance.claims.exif import Exif
from provenance.claims.headers import Headers

_MOST_JSON = 2 << 20
_MOST_JSON_TOTAL = 8 << 20
_MOST_PACKETS = 4


class Field(NamedTuple):
    """One text.

    Attributes:
        source: `png`, `exif`, `xmp`, `iim`, `comment`, `key` (of an MP4) or `stealth`.
        name: keyword, tag or property, such as `parameters` or `Software`.
        text: what it says.
        namespace: of an XMP property.
    """

    source: str
    name: str
    text: str
    namespace: str = ""

    @property
    def place(self) -> str:
        """Where it stood, for people."""
        return _PLACES[self.source].format(self.name)


_PLACES = {
    "png": "PNG text '{}'",
    "exif": "EXIF {}",
    "xmp": "XMP {}",
    "iim": "IPTC {}",
    "comment": "{}",
    "key": "MP4 key '{}'",
    "stealth": "Stealth text '{}'",
}


class Fields:
    """The texts of one file.

    Args:
        headers: what was read of the file.
        stealth: texts found in the pixels, by keyword.
    """

    def __init__(self, headers: Headers, stealth: tuple[tuple[str, str], ...] = ()) -> None:
        self.headers = headers
        self._stealth = stealth
        self._json: dict[str, Any] = {}
        self._json_left = _MOST_JSON_TOTAL

    @property
    def tags(self) -> Exif:
        """What EXIF says."""
        return self.headers.tags

    @cached_property
    def all(self) -> tuple[Field, ...]:
        """Every text, in the order of its source."""
        return tuple(self._fields())

    def of(self, source: str, *names: str) -> Iterator[Field]:
        """Those of one source with these names, or with any."""
        for field in self.all:
            if field.source == source and (not names or field.name in names):
                yield field

    def text(self, source: str, *names: str) -> str:
        """The first of them, or nothing."""
        return next((field.text for field in self.of(source, *names)), "")

    def free(self) -> Iterator[Field]:
        """Those in which generators leave what they please."""
        for field in self.all:
            if field.source in _ALL_FREE or field.name in _FREE.get(field.source, ()):
                yield field

    def json(self, text: str) -> Any:
        """The text as JSON, parsed once; None if it is none, or too long."""
        if text not in self._json:
            self._json[text] = self._parsed(text)
        return self._json[text]

    def object(self, text: str) -> dict[str, Any]:
        """The text as a JSON object; empty if it is none."""
        value = self.json(text)
        return value if isinstance(value, dict) else {}

    def _parsed(self, text: str) -> Any:
        if text[:1] not in "{[ \n\r\t" or len(text) > min(_MOST_JSON, self._json_left):
            return None
        self._json_left -= len(text)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None

    def _fields(self) -> Iterator[Field]:
        headers = self.headers
        for keyword, text in headers.texts:
            yield Field("png", keyword, text)
        for name, text in headers.tags.texts.items():
            yield Field("exif", name, text)
        for packet in headers.xmp[:_MOST_PACKETS]:
            for namespace, name, text in xmp.properties(packet):
                yield Field("xmp", name, text, namespace)
        for name, text in iim.records(headers.iim or b""):
            yield Field("iim", name, text)
        for text in headers.comments:
            yield Field("comment", f"{headers.kind} comment", text)
        for name, text in headers.keys:
            yield Field("key", name, text)
        for name, text in self._stealth:
            yield Field("stealth", name, text)


_ALL_FREE = ("png", "comment", "key", "stealth")
_FREE = {
    "exif": ("UserComment", "ImageDescription", "XPComment", "Make", "Model"),
    "xmp": ("UserComment", "description", "parameters"),
    "iim": ("caption", "special instructions"),
}
