"""Base64 of whole pictures; with pybase64 (in the extra `server`) in a thirtieth of the time."""

from __future__ import annotations

import base64
import importlib.util
from typing import Any

_fast: Any = None
if importlib.util.find_spec("pybase64") is not None:
    _fast = importlib.import_module("pybase64")


def encoded(data: bytes) -> str:
    """In the standard alphabet, padded."""
    if _fast is not None:
        return str(_fast.b64encode_as_string(data))
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes | None:
    """Of text that is nothing but letters of the standard alphabet, rightly padded; else None.

    None as well where that cannot be told quickly.
    """
    if _fast is None:
        return None
    try:
        return bytes(_fast.b64decode(text, validate=True))
    except ValueError:
        return None
