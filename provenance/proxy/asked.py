"""Reads a request as the upstream will: JSON, a form, or parts with files. Nothing is altered.

What two readers could understand differently is refused, since the words that are moderated have to
be the words that are drawn: names that are there twice in an object of JSON, other encodings than
UTF-8, compressed bodies.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import python_multipart
from python_multipart.multipart import parse_options_header

from provenance.server.errors import Refusal, invalid, unsupported

_BOUNDARY = re.compile(r"[;\s]boundary[*\d]*\s*=", re.I)

MOST_FIELDS = 1000
"""Of a form; Starlette takes as many."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body.

    Attributes:
        method: of HTTP.
        path: decoded.
        query: as sent.
        content_type: the header.
        coding: the header Content-Encoding.
    """

    method: str
    path: str
    query: bytes
    content_type: str = ""
    coding: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart.

    Attributes:
        method: of HTTP.
        path: decoded, as routes are written.
        fields: names and texts of the query and of a form, in order.
        files: names and bytes of the files in it; a body of another kind has no name.
        json: the body, if it is JSON; else None.
    """

    method: str
    path: str
    fields: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    json: Any = field(default=None, repr=False)

    def first(self, name: str) -> Any:
        """A value by its name, from JSON, a form or the query; None if it is not there."""
        if isinstance(self.json, dict) and name in self.json:
            return self.json[name]
        return next((text for known, text in self.fields if known == name), None)


def read(head: Head, pieces: Sequence[bytes]) -> Asked:
    """Take a request apart; blocking.

    Raises:
        Refusal: 400 or 415.
    """
    fields = _form(head.query)
    body = b"".join(pieces)
    if not body:
        return Asked(head.method, head.path, fields)
    if head.coding.strip().lower() not in ("", "identity"):
        raise unsupported("the body is compressed; send it as it is")
    kind, options = parse_options_header(head.content_type)
    form = kind in (b"multipart/form-data", b"application/x-www-form-urlencoded")
    # Some servers read JSON whatever it is called.
    like_json = body.lstrip()[:1] in (b"{", b"[")
    if form and like_json:
        raise invalid("the body is called a form and begins as JSON does; name it as what it is")
    if len(_BOUNDARY.findall(head.content_type)) > 1:
        raise invalid("the content type names more than one boundary")
    if kind == b"multipart/form-data":
        more, files = _parts(body, options.get(b"boundary", b""))
        return Asked(head.method, head.path, [*fields, *more], files)
    if kind == b"application/x-www-form-urlencoded":
        return Asked(head.method, head.path, [*fields, *_form(body)])
    if b"json" in kind or like_json:
        return Asked(head.method, head.path, fields, json=strict_json(body, invalid))
    return Asked(head.method, head.path, fields, files=[("", body)])


def strict_json(body: bytes, refused: Callable[[str], Refusal]) -> Any:
    """JSON in UTF-8 in which no name is there twice.

    Raises:
        Refusal: what `refused` makes of a sentence.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise _Twice
        return made

    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=once)
    except _Twice as error:
        raise refused("the JSON body has the same name twice in one object") from error
    except (ValueError, RecursionError) as error:
        raise refused("the body is not JSON in UTF-8") from error


class _Twice(Exception):
    """Two readers may take different ones."""


def _form(text: bytes) -> list[tuple[str, str]]:
    if text.count(b"&") >= MOST_FIELDS:
        raise invalid(f"the form has more than {MOST_FIELDS:,} fields")
    try:
        return urllib.parse.parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise invalid("the query or form is not UTF-8 in ASCII") from error


class _Part:
    """One part of a multipart body, as it arrives."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.name = bytearray()
        self.value = bytearray()
        self.data: list[bytes] = []


def _parts(body: bytes, boundary: bytes) -> tuple[list[tuple[str, str]], list[tuple[str, bytes]]]:
    """Fields and files of `multipart/form-data` (RFC 7578)."""
    parts: list[_Part] = []
    ended = False

    def begin() -> None:
        if len(parts) >= MOST_FIELDS:
            raise invalid(f"the form has more than {MOST_FIELDS:,} parts")
        parts.append(_Part())

    def header_end() -> None:
        name, value = bytes(parts[-1].name).lower(), bytes(parts[-1].value)
        if name in parts[-1].headers:
            raise invalid("a part of the form has the same header twice")
        parts[-1].headers[name] = value
        parts[-1].name.clear()
        parts[-1].value.clear()

    def end() -> None:
        nonlocal ended
        ended = True

    parser = python_multipart.MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_part_data": lambda data, start, stop: parts[-1].data.append(data[start:stop]),
            "on_header_field": lambda data, start, stop: parts[-1].name.extend(data[start:stop]),
            "on_header_value": lambda data, start, stop: parts[-1].value.extend(data[start:stop]),
            "on_header_end": header_end,
            "on_end": end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except python_multipart.exceptions.FormParserError as error:
        raise invalid("the body is no multipart form") from error
    if not ended:
        raise invalid("the multipart form is cut short")
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, bytes]] = []
    for part in parts:
        name, is_file = _named(part)
        data = b"".join(part.data)
        if is_file:
            files.append((name, data))
        else:
            try:
                fields.append((name, data.decode("utf-8")))
            except UnicodeDecodeError as error:
                raise invalid("a field of the form is not UTF-8") from error
    return fields, files


def _named(part: _Part) -> tuple[str, bool]:
    """The name of a part, and whether it is a file."""
    if part.headers.get(b"content-transfer-encoding", b"binary").lower() not in (
        b"binary",
        b"8bit",
        b"7bit",
    ):
        raise unsupported("a part of the form is encoded; send it as it is")
    _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
    name = options.get(b"name", b"").decode("utf-8", "replace")
    kind = part.headers.get(b"content-type", b"text/plain").partition(b";")[0].strip().lower()
    return name, b"filename" in options or kind.startswith(b"image/")


def texts(value: Any) -> Iterator[str]:
    """A text, or the texts in a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
