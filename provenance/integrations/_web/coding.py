"""Takes `Content-Encoding` off a body, never giving more bytes than are wanted."""

from __future__ import annotations

import zlib

from provenance.errors import TooLarge, UnreadablePicture, UnsupportedPicture

READ = ("gzip", "x-gzip", "deflate")
"""Codings that we can look into; a request never offers others to the application."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS


def coding_of(value: str) -> str:
    """The coding that a header names; empty for none.

    Raises:
        UnsupportedPicture: it is one that we cannot look into, or there are several.
    """
    coding = value.strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding not in READ:
        raise UnsupportedPicture(
            f"the body has the content encoding {coding[:40]!r}, into which we cannot look; "
            "expected gzip, deflate or none: compress outside of this middleware"
        )
    return coding


def offered(value: str) -> str:
    """What is left of `Accept-Encoding` when only codings that we read are offered."""
    kept = [
        part.strip()
        for part in value.split(",")
        if part.partition(";")[0].strip().lower() in (*READ, "identity")
    ]
    return ", ".join(kept) or "identity"


def head(coding: str, data: bytes, size: int) -> bytes:
    """The first bytes of a body of which so far `data` is there; fewer where it is damaged."""
    if not coding:
        return data[:size]
    for bits in (_GZIP_OR_ZLIB, _BARE):
        try:
            return _begun(bits, data, size)
        except zlib.error:
            continue
    return b""


def _begun(bits: int, data: bytes, size: int) -> bytes:
    found = b""
    while data and not found:  # the first members may be empty
        member = zlib.decompressobj(bits)
        found = member.decompress(data, size)
        data = member.unused_data
    return found


def decoded(coding: str, data: bytes, most: int) -> bytes:
    """All of a body.

    Raises:
        TooLarge: it has more than `most` bytes; no more were made.
        UnreadablePicture: it is damaged.
    """
    if not coding or not data:
        return data
    for bits in (_GZIP_OR_ZLIB, _BARE):
        try:
            return _inflated(bits, data, most)
        except zlib.error as error:
            failure = error
    raise UnreadablePicture("a body with a content encoding is damaged") from failure


def _inflated(bits: int, data: bytes, most: int) -> bytes:
    pieces, size = [], 0
    while data:  # a gzip file may have several members
        member = zlib.decompressobj(bits)
        piece = member.decompress(data, most + 1 - size)
        size += len(piece)
        if size > most:
            raise TooLarge(f"the body has over {most:,} bytes when it is decoded; raise the limit")
        if not member.eof:
            raise zlib.error("it ends early")
        pieces.append(piece)
        data = member.unused_data
    return b"".join(pieces)
