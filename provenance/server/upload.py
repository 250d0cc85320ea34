"""Takes a file out of a body: the body as it is, or one part of a form, which a browser sends.

Nothing is written to a disk: forms are taken apart in memory, and the body was bounded before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from provenance.server.errors import invalid

FORM = "multipart/form-data"

FILE = "file"
"""Name of the part that holds the file."""

MAX_PARTS = 16
MAX_TEXT = 32 * 1024
"""Bytes of a part that is no file, such as a prompt."""

_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent.

    Attributes:
        data: the file.
        name: of the file, as the client calls it; empty if it has none.
        texts: the other parts of the form.
    """

    data: bytes = field(repr=False)
    name: str = ""
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


def upload(pieces: Iterable[bytes], content_type: str) -> Upload:
    """The file in a body.

    Args:
        pieces: the body.
        content_type: its header; a form is taken apart, anything else is the file itself.

    Raises:
        Refusal: 400: the form is damaged, or has no file in it.
    """
    kind, options = parse_options_header(content_type)
    if kind.lower() != FORM.encode():
        return Upload(b"".join(pieces))
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise invalid("the form names no boundary; let your HTTP library write its Content-Type")
    form = _Form(boundary)
    try:
        for piece in pieces:
            form.parser.write(piece)
        form.parser.finalize()
    except (MultipartParseError, ValueError) as error:
        raise invalid("the form is damaged; expected multipart/form-data") from error
    if not form.ended:
        raise invalid("the form is cut short; send it whole")
    if form.file is None:
        raise invalid(f"the form has no file; send it as the part named {FILE}")
    return Upload(bytes(form.file), form.name, form.texts)


class _Form:
    """Collects what a parser reports."""

    def __init__(self, boundary: bytes) -> None:
        self.file: bytearray | None = None
        self.name = ""
        self.texts: dict[str, str] = {}
        self.ended = False
        self._parts = 0
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._part = ""
        self._into = bytearray()
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_header,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise invalid(f"the form has over {MAX_PARTS} parts; send the file and what is needed")
        self._disposition = b""

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._part = _text(options.get(b"name", b""))
        self._into = bytearray()
        if self._part == FILE:
            if self.file is not None:
                raise invalid("the form has several files; send one at a time")
            self.file = self._into
            self.name = _text(options.get(b"filename", b""))[:_LONGEST_NAME]
        elif self._part in self.texts:
            raise invalid("the form has one of its parts twice; send each once")

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._part != FILE and len(self._into) + end - start > MAX_TEXT:
            raise invalid(f"a text in the form has over {MAX_TEXT:,} bytes; send a shorter one")
        self._into += memoryview(data)[start:end]

    def _end_part(self) -> None:
        if self._part != FILE:
            self.texts[self._part] = _text(bytes(self._into))

    def _end(self) -> None:
        self.ended = True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
