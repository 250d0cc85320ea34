"""Values of any kind that a file may hold, brought to the kinds that a claim states."""

from __future__ import annotations

import math
import re
from typing import Any

_MOST_TEXT = 20_000
"""Characters of one text in a claim."""

_SIZE = re.compile(r"(\d{1,5})\s*[x×*]\s*(\d{1,5})")


def text(value: Any) -> str:
    """A text, cut where it is very long; anything else is nothing. Lone surrogates are replaced."""
    if not isinstance(value, str):
        return ""
    return value[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8").strip()


def integer(value: Any) -> int | None:
    """A whole number of at most 64 bits, also if written as a text."""
    if isinstance(value, str) and 0 < len(value) <= 20:
        try:
            value = int(value)
        except ValueError:
            return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 64:
        return None
    return value


def number(value: Any) -> float | None:
    """A finite number, also if written as a text."""
    if isinstance(value, str) and 0 < len(value) <= 32:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return None
    return float(value) if math.isfinite(value) else None


def size(width: Any, height: Any = None) -> tuple[int, int] | None:
    """Width and height, as two numbers or as a text such as `512x768`."""
    if height is None:
        match = _SIZE.search(value[:100]) if isinstance(value := width, str) else None
        return (int(match[1]), int(match[2])) if match else None
    pair = integer(width), integer(height)
    if pair[0] is None or pair[1] is None or min(pair[0], pair[1]) <= 0:
        return None
    return pair[0], pair[1]


def named(path: Any) -> str:
    """The name of a model file without its folder."""
    return re.split(r"[\\/]", text(path))[-1]


def joined(*parts: Any) -> str:
    """Texts with a space between, without the empty ones and those that repeat the one before."""
    kept = [text(part) for part in parts]
    return " ".join(dict.fromkeys(part for part in kept if part))
