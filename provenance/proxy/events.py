"""Server-sent events and lines of JSON, taken out of a stream one by one.

Source: HTML, section 9.2 (server-sent events).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from provenance.proxy.kinds import TAIL, WRITTEN
from provenance.proxy.refusals import unprotectable

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\n)")
_MARK = b"\xef\xbb\xbf"
_MOST_PLACES = 1024
_WHICH = ("index", "output_index", "content_index", "item_id")
"""Members by which streams tell which of several texts grows."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event or line as it came.

    Attributes:
        raw: all its bytes, with the end.
        data: what its `data` fields say together; of a line, the line.
    """

    raw: bytes
    data: bytes

    @classmethod
    def of(cls, raw: bytes) -> Event:
        """An event with its fields read."""
        said = [line for line in _lines(raw) if line.startswith(b"data:")]
        return cls(raw, b"\n".join(line[5:].removeprefix(b" ") for line in said))

    @property
    def beside(self) -> bytes:
        """Its lines that are no data; none of a line of JSON."""
        if self.data == self.raw.rstrip(b"\r\n"):
            return b""
        return b"\n".join(line for line in _lines(self.raw) if line[:5] != b"data:")

    @property
    def name(self) -> str:
        """What the event is called, in its `event` field; empty if nothing is said."""
        said = [line for line in _lines(self.raw[:4096]) if line.startswith(b"event:")]
        return said[-1][6:].strip().decode("latin-1") if said else ""

    def with_data(self, data: bytes) -> bytes:
        """The event with other data."""
        if self.data == self.raw.rstrip(b"\r\n"):
            return data + b"\n"
        kept = [line for line in _lines(self.raw) if line and line[:5] != b"data:"]
        return b"\n".join([*kept, *(b"data: " + line for line in data.split(b"\n"))]) + b"\n\n"


def _lines(raw: bytes) -> list[bytes]:
    plain = raw.replace(b"\r\n", b"\n")  # a regular expression would take long for a large event
    return _LINE_END.split(plain) if b"\r" in plain else plain.split(b"\n")


def error_event(shape: dict[str, Any], *, lines: bool) -> bytes:
    """How a stream ends that cannot go on."""
    said = json.dumps(shape, separators=(",", ":")).encode()
    return said + b"\n" if lines else b"event: error\ndata: " + said + b"\n\n"


async def events(pieces: AsyncIterator[bytes], most: int, *, lines: bool) -> AsyncIterator[Event]:
    """The events of a stream as they are complete; what comes last counts without its end.

    Args:
        pieces: of the body.
        most: bytes of one.
        lines: lines of JSON rather than events.

    Raises:
        Refusal: 502, one is too long.
    """
    end = _LINE_END if lines else _EVENT_END
    held = bytearray()
    searched = 0
    first = not lines
    async for piece in pieces:
        held += piece
        if first:
            if _MARK.startswith(held):  # may be all of the mark, or a part of it
                continue
            del held[: len(_MARK) * held.startswith(_MARK)]  # readers pass over it
            first = False
        done = 0
        for match in end.finditer(held, max(0, searched - 3)):
            if match.end() == len(held) and match.group().endswith(b"\r"):
                break  # a line feed may follow
            raw = bytes(held[done : match.end()])
            yield Event(raw, raw.rstrip(b"\r\n")) if lines else Event.of(raw)
            done = match.end()
        del held[:done]
        searched = len(held)
        if len(held) > most:
            raise unprotectable("an event that is too long")
    if held:
        raw = bytes(held)
        yield Event(raw, raw.rstrip(b"\r\n")) if lines else Event.of(raw)


class Fragments:
    """Watches for a picture that comes in pieces, as a text that grows from event to event."""

    def __init__(self) -> None:
        self._tails: dict[tuple[Any, ...], bytes] = {}

    def look_beside(self, event: Event) -> None:
        """Look at what is no data: names, numbers, comments, which pass as they are.

        Raises:
            Refusal: 502, a picture begins there.
        """
        if WRITTEN.search(event.beside):
            raise unprotectable("a picture beside the data of an event")

    def look(self, data: bytes) -> None:
        """Look at the texts of the next event, each after what came before at its place.

        Raises:
            Refusal: 502, a picture begins there.
        """
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = data.decode("latin-1")
        for place, text in _texts(value, (), 0):
            seen = self._tails.get(place, b"") + text.encode("ascii", "replace")
            if WRITTEN.search(seen):
                raise unprotectable("a picture in pieces")
            if place not in self._tails and len(self._tails) >= _MOST_PLACES:
                raise unprotectable("texts at too many places")
            self._tails[place] = seen[-TAIL:]


def _texts(value: Any, place: tuple[Any, ...], depth: int) -> Iterator[tuple[tuple[Any, ...], str]]:
    if depth > 64:
        raise unprotectable("an event that is too deep")
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        which = tuple(value.get(name) for name in _WHICH if isinstance(value.get(name), int | str))
        for name, inner in value.items():
            yield from _texts(inner, (*place, *which, name), depth + 1)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, (*place, n), depth + 1)
