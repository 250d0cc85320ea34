"""Cuts a body that is still coming into pieces, each of which can be looked through alone."""

from __future__ import annotations

import re

from provenance.errors import TooLarge
from provenance.integrations._multipart import boundary_of
from provenance.integrations.bodies import Kind, kind_of

_EVENT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\n|\r(?!\Z))")
_BETWEEN = re.compile(rb"[\s\"'()]")
"""What is never inside a `data:` URL in a text."""
_MAYBE_URL = re.compile(rb"data:|d(?:a(?:ta?)?)?\Z", re.IGNORECASE)


class Pieces:
    """Takes bytes as they come, gives whole pieces as early as it can.

    Args:
        content_type: of the body; its kind is EVENTS, LINES, TEXT or PARTS.
        most: bytes that are held for one piece.

    Raises:
        UnreadablePicture: a multipart type does not say its boundary.
    """

    def __init__(self, content_type: str, most: int) -> None:
        self._kind = kind_of(content_type)
        self._boundary = boundary_of(content_type) if self._kind is Kind.PARTS else b""
        self._most = most
        self._held = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> bytes:
        """What can be looked through now; maybe nothing.

        Raises:
            TooLarge: one piece has too many bytes.
        """
        self._held += data
        cut = self._cut()
        piece = bytes(self._held[:cut])
        del self._held[:cut]
        self._searched = max(0, len(self._held) - len(self._boundary) - 4)
        if len(self._held) > self._most:
            raise TooLarge(f"one piece of a stream has over {self._most:,} bytes; raise the limit")
        return piece

    def rest(self) -> bytes:
        """What is left at the end."""
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def _cut(self) -> int:
        if self._kind is Kind.LINES:
            return self._held.rfind(b"\n", self._searched) + 1
        if self._kind is Kind.EVENTS:
            ends = [m.end() for m in _EVENT_END.finditer(self._held, self._searched)]
            return ends[-1] if ends else 0
        if self._kind is Kind.PARTS:
            at = self._held.rfind(b"\n" + self._boundary, max(self._searched, 1))
            return at + 1 if at >= 0 else 0
        return self._cut_of_text()

    def _cut_of_text(self) -> int:
        last = 0
        for match in _BETWEEN.finditer(self._held, self._searched):
            last = match.end()
        url = _MAYBE_URL.search(self._held, last)
        return url.start() if url else len(self._held)
