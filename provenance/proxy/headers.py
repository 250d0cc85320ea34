"""Which headers go on: those between two neighbours stay with them (RFC 9110, section 7.6.1)."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]
"""Names in lower case."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

_OURS_ON_THE_WAY_THERE = frozenset(
    {b"host", b"content-length", b"accept-encoding", b"expect", b"range", b"if-range"}
)
"""Set anew, or kept back: a part of a picture could be neither recognised nor marked."""

_OF_THE_BODY = frozenset({b"content-type", b"content-encoding"})
"""Never hidden by naming them in `Connection`: by these we read the body, and so must the other."""

_OF_OTHER_BYTES = frozenset(
    {
        b"accept-ranges",
        b"content-digest",
        b"content-disposition",
        b"content-encoding",
        b"content-length",
        b"content-md5",
        b"content-range",
        b"date",
        b"digest",
        b"etag",
        b"last-modified",
        b"repr-digest",
    }
)
"""They describe the bytes of the upstream, not ours."""


def to_upstream(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The client's headers, as the upstream gets them; bodies are asked for uncompressed."""
    kept = _without(headers, _OURS_ON_THE_WAY_THERE)
    return [*kept, (b"accept-encoding", b"identity")]


def untouched(headers: Iterable[tuple[bytes, bytes]], *, decoded: bool = False) -> Headers:
    """The upstream's headers, for a body that passes as it is.

    Args:
        headers: as they came.
        decoded: the body was compressed, and is passed on in plain.
    """
    dropped = (
        frozenset({b"content-encoding", b"content-length", b"etag"}) if decoded else frozenset()
    )
    return _without(headers, dropped | {b"accept-ranges", b"date"})  # our server has its own


def replaced(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The upstream's headers, for a body that is another one now."""
    return _without(headers, _OF_OTHER_BYTES)


def value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """A header as text; several are joined, and none is empty."""
    return ", ".join(v.decode("latin-1") for n, v in headers if n.lower() == name)


def _without(headers: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Headers:
    pairs = [(name.lower(), value) for name, value in headers]
    named = {
        token.strip().lower()
        for name, value in pairs
        if name == b"connection"
        for token in value.split(b",")
    }
    gone = dropped | _HOP_BY_HOP | (named - _OF_THE_BODY)
    return [(name, value) for name, value in pairs if name not in gone]
