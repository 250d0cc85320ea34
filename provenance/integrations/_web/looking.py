"""`Looking`: what to do with an answer of the application, decided while it comes."""

from __future__ import annotations

import binascii
import enum
import mimetypes

from provenance.errors import TooLarge, UnsupportedPicture
from provenance.integrations._starts import ENOUGH, begins_picture
from provenance.integrations._web import coding, headers
from provenance.integrations._web.headers import Fields
from provenance.integrations._web.pieces import Pieces
from provenance.integrations.bodies import Kind, kind_of

_LIVE = frozenset({Kind.EVENTS, Kind.LINES, Kind.TEXT})
_SENT_BY_OTHERS = ("x-accel-redirect", "x-sendfile", "x-lighttpd-send-file")
_HEAD = 1 << 16
_BASE64 = 4 * ((ENOUGH + 2) // 3)
_BLANKS = 1024
"""White space in which JSON may begin."""
_INSIDE = {b"{": (b'"',), b"[": (b'"', b"{", b"[")}
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class Step(enum.Enum):
    """What to do now."""

    HOLD = "nothing may leave yet"
    PASS = "all that is held leaves as it is, and all that comes after it"  # noqa: S105
    WHOLE = "the whole body is here: look through it"
    PIECES = "some of a body that goes on: look through what is given, and send it"


class Looking:
    """One answer. Not thread-safe.

    Args:
        status: of the answer.
        fields: of the answer.
        most: bytes that are held.

    Attributes:
        kind: how its body is looked through; PICTURE as soon as it turns out to be one.
        coding: its content encoding, or empty.
        chunks: what is held of its body, as it came.
        size: bytes of the body that came.

    Raises:
        UnsupportedPicture: its body would come from somewhere else, or is coded in a way that we
            cannot look into.
    """

    def __init__(self, status: int, fields: Fields, most: int) -> None:
        self.status = status
        self.fields = fields
        self.content_type = headers.get(fields, "content-type")
        self.kind = kind_of(self.content_type)
        self.coding = coding.coding_of(headers.get(fields, "content-encoding"))
        self.chunks: list[bytes] = []
        self.size = 0
        self._head = bytearray()
        self._most = most
        self._pieces: Pieces | None = None
        self._undecided = True
        if any(
            headers.get(fields, name) and self._may_be_picture(name) for name in _SENT_BY_OTHERS
        ):
            raise UnsupportedPicture(
                "the application leaves it to the server to send the file of a picture, which then "
                "would not be protected; switch X-Sendfile or X-Accel-Redirect off"
            )

    @property
    def raw(self) -> bytes:
        """What is held, in one piece."""
        return b"".join(self.chunks)

    def feed(self, data: bytes, *, last: bool) -> tuple[Step, bytes]:
        """Take what came.

        Args:
            data: the next bytes of the body.
            last: there are no more.

        Returns:
            What to do, and with PIECES, with which bytes.

        Raises:
            TooLarge: more would have to be held than is allowed.
            UnsupportedPicture: it is a part of a picture.
        """
        if self._pieces is not None:
            return self._cut(data, last=last)
        self.chunks.append(data)
        self.size += len(data)
        self._head += data[: _HEAD - len(self._head)]
        if last and (self.kind is not Kind.OTHER or self._begins_picture(last=True)):
            self._check_whole()
            return Step.WHOLE, b""
        if self._undecided:
            begins = self._begins_picture(last=last)
            if begins is None:
                return Step.HOLD, b""
            self._undecided = False
            if begins:
                self.kind = Kind.PICTURE
            elif self.kind is Kind.OTHER:
                return Step.PASS, b""
            elif self._goes_on():
                self._pieces = Pieces(self.content_type, self._most)
                return self._cut(b"", last=last)
            self._check_whole()
        self._check_size()
        return Step.HOLD, b""

    def _cut(self, data: bytes, *, last: bool) -> tuple[Step, bytes]:
        assert self._pieces is not None  # noqa: S101 - for the type checker
        piece = self._pieces.feed(self.raw + data)
        self.chunks.clear()
        return Step.PIECES, piece + (self._pieces.rest() if last else b"")

    def _begins_picture(self, *, last: bool) -> bool | None:
        if self.kind is Kind.PICTURE:
            return True
        head = coding.head(self.coding, bytes(self._head), 4 * ENOUGH)
        begins = begins_picture(head[:ENOUGH])
        if begins is False and self.kind is Kind.TEXT:
            begins = _begins_text(head)
            if begins is False and _begins_json(head) is None:
                begins = None
        if begins is None and last:
            return False
        if begins is None and self.size >= _HEAD:
            raise UnsupportedPicture(f"the first {_HEAD:,} bytes of a coded body decode to nothing")
        return begins

    def _goes_on(self) -> bool:
        """Whether the body is looked through while it comes."""
        if self.coding:
            return False
        if self.kind is Kind.TEXT and _begins_json(bytes(self._head)):
            return False
        if self.kind is Kind.PARTS:
            return "x-mixed-replace" in self.content_type.lower()
        length = headers.get(self.fields, "content-length")
        known = length.isdecimal() and int(length) <= self._most
        return self.kind in _LIVE and not known

    def _check_whole(self) -> None:
        if self.kind is Kind.PICTURE or begins_picture(bytes(self._head[:ENOUGH])):
            if self.status == 206:
                raise UnsupportedPicture(
                    "the application answers with a part of a picture, though nobody asked for "
                    "one; answer with the whole, and the middleware cuts the part"
                )
            self.kind = Kind.PICTURE
        self._check_size()

    def _check_size(self) -> None:
        if self.size > self._most:
            raise TooLarge(
                f"a body that has to be looked through has over {self._most:,} bytes; raise the "
                "limit, or exclude its path"
            )

    def _may_be_picture(self, name: str) -> bool:
        guess = mimetypes.guess_type(headers.get(self.fields, name))[0] or ""
        return self.kind is Kind.PICTURE or guess.startswith("image/")


def _begins_json(head: bytes) -> bool | None:
    """Whether a text may be JSON, which can be looked through only as a whole."""
    start = head[:_BLANKS].lstrip()
    if start[:1] not in (b"{", b"["):
        return None if not start and len(head) < _BLANKS else False
    first = start[1:_BLANKS].lstrip()[:1]
    return None if not first and len(head) < _BLANKS else first in _INSIDE[start[:1]]


def _begins_text(head: bytes) -> bool | None:
    """Whether a text begins as base64 of a picture does, or as a `data:` URL."""
    start = head.lstrip()
    if start[:5].lower() == b"data:":
        return True
    if len(start) < 5 and b"data:".startswith(start.lower()):
        return None
    letters = start.translate(_TO_STANDARD, b"\r\n")[:_BASE64]
    try:
        return begins_picture(
            binascii.a2b_base64(letters[: len(letters) // 4 * 4], strict_mode=True)
        )
    except binascii.Error:
        return False
