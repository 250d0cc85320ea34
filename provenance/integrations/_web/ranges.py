"""Entity tags and byte ranges of pictures that we made (RFC 9110, sections 8.8, 13 and 14)."""

from __future__ import annotations

import hashlib
import re

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_OURS = re.compile(r'"pk-[0-9a-f]{32}"')
_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.I)


def tag_of(data: bytes) -> str:
    """A strong entity tag."""
    return f'"pk-{hashlib.sha256(data).hexdigest()[:32]}"'


def all_ours(condition: str) -> bool:
    """True if every tag of an `If-None-Match` is one that we gave, so that only we can compare."""
    tags = _TAG.findall(condition)
    return bool(tags) and all(_OURS.fullmatch(tag.removeprefix("W/")) for tag in tags)


def unchanged(condition: str, tag: str) -> bool:
    """Whether `If-None-Match` says that the client has it (13.1.2: the weak comparison)."""
    if condition.strip() == "*":
        return True
    return tag in (each.removeprefix("W/") for each in _TAG.findall(condition))


def part(asked: str, condition: str, tag: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole.

    Args:
        asked: `Range`. Several ranges, other units and what cannot be read ask for the whole.
        condition: `If-Range`; another tag than ours, or a date, asks for the whole.
        tag: of the picture.
        size: of the picture.

    Raises:
        ValueError: the range lies outside.
    """
    match = _RANGE.fullmatch(asked)
    if match is None or (condition and condition.strip() != tag):
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        if int(suffix) == 0:
            raise ValueError("an empty range")
        return max(0, size - int(suffix)), size
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("a range behind the end")
    return start, end
