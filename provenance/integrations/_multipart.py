"""Pictures in the parts of a multipart body; the parts without one keep every byte."""

from __future__ import annotations

import re
from base64 import b64decode, encodebytes
from collections.abc import Callable
from email.message import Message
from quopri import decodestring
from typing import TypeAlias

from provenance.errors import UnreadablePicture
from provenance.integrations._found import Assets, Body, Found, joined

Look: TypeAlias = Callable[[str, bytes], Found | None]

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIELD = r"(?im)^%s[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts, with its two hyphens.

    Raises:
        UnreadablePicture: the type does not say.
    """
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary()
    if not boundary:
        raise UnreadablePicture("a multipart body has no boundary; say it in the content type")
    return b"--" + boundary.encode("latin-1", "replace")


def in_parts(content_type: str, body: bytes, look: Look) -> Found | None:
    """The pictures in the parts of a multipart body (RFC 2046, section 5.1).

    Args:
        content_type: with the boundary.
        body: all of it.
        look: what finds the pictures in one part, by its type.

    Raises:
        UnreadablePicture: nobody can say where its parts are.
        InputError: what `look` raises.
    """
    mark = re.escape(boundary_of(content_type))
    lines = list(re.finditer(rb"(?:\A|(?<=\n))" + mark + rb"(?:--)?[ \t]*(?=\r?\n|\Z)", body))
    if body.strip() and not lines:
        raise UnreadablePicture("a multipart body has no line with its boundary")
    pieces: list[bytes | Found] = []
    done = 0
    for n, line in enumerate(lines):
        stop = lines[n + 1].start() if n + 1 < len(lines) else len(body)
        found = _in_part(body[line.end() : stop], look)
        if found is not None:
            pieces += [body[done : line.end()], found]
            done = stop
    return joined(content_type, [*pieces, body[done:]])


def _in_part(part: bytes, look: Look) -> Found | None:
    """One part: the end of the boundary's line, fields, an empty line, data and a line end."""
    end = _HEAD_END.search(part)
    if end is None:
        return None
    head, blank, data = part[: end.start()].decode("latin-1"), end.group(), part[end.end() :]
    tail = b"\r\n" if data.endswith(b"\r\n") else data[-1:] if data.endswith(b"\n") else b""
    data = data[: len(data) - len(tail)]
    coding = _field(head, "content-transfer-encoding").lower()
    coded = coding in ("base64", "quoted-printable")
    if coded:
        data = b64decode(data) if coding == "base64" else decodestring(data)
    kind = _field(head, "content-type")
    found = look(kind or "text/plain", data)
    if found is None:
        return None

    def rebuild(assets: Assets) -> Body:
        new_kind, new = found.replaced(assets)
        if coded:
            new = encodebytes(new).rstrip().replace(b"\n", b"\r\n")
        said = {
            "content-type": new_kind if kind else "",
            "content-transfer-encoding": "base64" if coded else "",
            "content-length": str(len(new)),
        }
        written = head
        for name, value in said.items():
            if value:
                written = re.sub(_FIELD % name, f"{name.title()}: {value}", written)
        return "", written.encode("latin-1") + blank + new + tail

    return Found(found.pictures, rebuild)


def _field(head: str, name: str) -> str:
    match = re.search(_FIELD % name, head)
    return " ".join(match[1].split()) if match else ""
