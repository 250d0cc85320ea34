"""Pictures in JSON, in lines of JSON, in server-sent events, and in text with data URLs.

Whether a text holds a picture is asked of its characters, before anything is parsed: a parser keeps
one of two members of the same name, and somebody else's parser keeps the other. What has no picture
is not written anew, so that not a byte of it changes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from provenance.codec.readers import reader
from provenance.codec.sniff import sniff
from provenance.errors import TooLarge, UnreadablePicture, UnsupportedPicture
from provenance.integrations import _texts, containers
from provenance.integrations._found import Assets, Body, Found, joined

_ORNAMENT = 64
"""Pixels: pictures inside HTML of no more a side are bullets, spacers and icons, not results."""

_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z)', re.DOTALL)
_SHORTEST = 24
"""Characters; the base64 of no picture is shorter."""

_NESTED = 3
"""Levels of JSON that is a text inside JSON, as the arguments of tools are."""

_EVENT_END = re.compile(rb"(?>\r\n|\r|\n){2,}")
_LINE_END = re.compile(r"\r\n|\r|\n")
_RECORD = re.compile(rb"[^\r\n\x1e]+")


@dataclass(frozen=True, slots=True)
class _Document:
    """JSON that was a text inside other JSON."""

    value: Any


def in_json(content_type: str, body: bytes) -> Found | None:
    """The pictures in one JSON document.

    Raises:
        InputError: there is one, and it cannot be replaced where it stands.
    """
    text = _decoded(body)
    if len(text) < _SHORTEST:
        return None
    doubtful = _Doubts()
    try:
        found = containers.find(_parsed(text, _NESTED, doubtful), strict=False)
    except TooLarge:
        if not _count(text, _NESTED):
            return None
        raise
    except (ValueError, RecursionError) as error:
        if not _count(text, _NESTED):
            return None
        raise UnreadablePicture(
            "there is a picture in JSON that cannot be read; answer with valid JSON"
        ) from error
    if doubtful.any and len(found.pictures) < _count(text, _NESTED):
        raise UnreadablePicture(
            "there is a picture in the name of a JSON member, or in one of two members of the same "
            "name; give each a name of its own"
        )
    if not found.pictures:
        return None
    essence, _, parameters = content_type.partition(";")
    wide = "utf-16" in parameters.lower() or "utf-32" in parameters.lower()

    def rebuild(assets: Assets) -> Body:
        written = _written(found.replaced(assets))
        return essence if wide else content_type, written.encode("ascii")

    return Found(tuple(bytes(picture) for picture in found.pictures), rebuild)


def in_lines(content_type: str, body: bytes) -> Found | None:
    """The pictures in JSON documents of one line each, or after a record separator (RFC 7464).

    Raises:
        InputError: as for one document.
    """
    pieces: list[bytes | Found] = []
    done = 0
    for record in _RECORD.finditer(body):
        found = in_json("application/json", record.group())
        if found is not None:
            pieces += [body[done : record.start()], found]
            done = record.end()
    return joined(content_type, [*pieces, body[done:]])


def in_events(content_type: str, body: bytes) -> Found | None:
    """The pictures in the data of server-sent events, which are JSON or text.

    Raises:
        InputError: as for one document.
    """
    pieces: list[bytes | Found] = []
    done = 0
    for end in [*_EVENT_END.finditer(body), None]:
        stop = end.start() if end else len(body)
        found = _in_event(body[done:stop])
        pieces += [found or body[done:stop], end.group() if end else b""]
        done = end.end() if end else stop
    return joined(content_type, pieces)


def in_text(content_type: str, body: bytes) -> Found | None:
    """The pictures in the data URLs of a text such as HTML or SVG, except tiny ones.

    Raises:
        InputError: a body in UTF-16 has one.
    """
    if body.lstrip()[:1] in (b"{", b"[") and _is_json(body):
        return in_json(content_type, body)  # frameworks call what a handler returns HTML
    text = body.decode("latin-1")  # keeps every byte, and base64 is ASCII in what is read here
    if "\0" in text[:64]:
        if _texts.read(_decoded(body)) is not None:
            raise UnreadablePicture("there is a picture in a text of UTF-16; answer in UTF-8")
        return None
    written = _texts.read(text) if "data:" in text.lower() or _texts.read(text[:4096]) else None
    if written is None:
        return None
    every = written.pictures
    kept = [n for n, picture in enumerate(every) if not _is_ornament(picture)]
    if not kept:
        return None

    def rebuild(assets: Assets) -> Body:
        places: list[Any] = [None] * len(every)
        for n, asset in zip(kept, assets, strict=True):
            places[n] = asset
        return content_type, written.replaced(places).encode("latin-1")

    return Found(tuple(every[n] for n in kept), rebuild)


def _in_event(event: bytes) -> Found | None:
    """One event; its `data` fields are one text, with line feeds between (HTML, section 9.2.6)."""
    # Readers pass over a byte order mark before the first event.
    lines = _LINE_END.split(event.decode("latin-1").removeprefix("\xef\xbb\xbf"))
    fields = {n: line[5:].removeprefix(" ") for n, line in enumerate(lines) if line[:5] == "data:"}
    if not fields:
        return None
    data = "\n".join(fields.values()).encode("latin-1")
    found = in_json("", data) or _in_plain(data)
    if found is None:
        return None
    first, newline = min(fields), "\r\n" if b"\r\n" in event else "\n"

    def rebuild(assets: Assets) -> Body:
        written = found.replaced(assets)[1].decode("latin-1").split("\n")
        data = newline.join(f"data: {line}" for line in written)
        kept = (data if n == first else line for n, line in enumerate(lines))
        told = (line for n, line in enumerate(kept) if n == first or n not in fields)
        return "", newline.join(told).encode("latin-1")

    return Found(found.pictures, rebuild)


def _in_plain(data: bytes) -> Found | None:
    written = _texts.read(data.decode("latin-1"))
    if written is None:
        return None
    return Found(
        tuple(written.pictures),
        lambda assets: ("", written.replaced(assets).encode("latin-1")),
    )


def _decoded(body: bytes) -> str:
    """The text of JSON, by the rules of RFC 4627 on its first bytes."""
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _count(text: str, nested: int) -> int:
    """How many pictures there are in the strings of a JSON text, valid or not."""
    return sum(_count_in(match[1], nested) for match in _STRING.finditer(text))


def _count_in(string: str, nested: int) -> int:
    if len(string) < _SHORTEST:
        return 0
    if "\\" in string:
        try:
            string = json.loads(f'"{string}"', strict=False)
        except ValueError:
            string = string.replace("\\", "")
    if nested and string.lstrip()[:1] in ("{", "["):
        inner = _count(string, nested - 1)
        if inner:
            return inner
    written = _texts.read(string)
    return len(written.pictures) if written else 0


class _Doubts:
    """Whether a document has names that are there twice, or so long that they may be pictures."""

    any = False

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self.any |= len(made) < len(pairs) or any(len(name) >= _SHORTEST for name in made)
        return made


def _parsed(text: str, nested: int, doubtful: _Doubts) -> Any:
    """The document, with documents in place of the texts that are documents with pictures.

    Raises:
        ValueError, RecursionError: it is not JSON, or too deep.
        UnsupportedPicture: a picture stands among the words of a text.
    """
    return _opened(json.loads(text, object_pairs_hook=doubtful.members), nested, doubtful)


def _opened(value: Any, nested: int, doubtful: _Doubts) -> Any:
    if isinstance(value, dict):
        return {name: _opened(each, nested, doubtful) for name, each in value.items()}
    if isinstance(value, list):
        return [_opened(each, nested, doubtful) for each in value]
    if not isinstance(value, str) or len(value) < _SHORTEST:
        return value
    if nested and value.lstrip()[:1] in ("{", "[") and _count(value, nested - 1):
        return _Document(_parsed(value, nested - 1, doubtful))
    if _texts.hides(value):
        raise UnsupportedPicture(
            "there is base64 of a picture among the words of a text; answer with a data: URL, or "
            "with base64 and nothing else"
        )
    return value


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=lambda inner: _written(inner.value))


def _is_ornament(picture: bytes) -> bool:
    try:
        return max(reader(sniff(picture), picture).size) <= _ORNAMENT
    except Exception:  # Pillow answers bad bytes with a dozen kinds of exception
        return False  # the pipeline says what is wrong with it
