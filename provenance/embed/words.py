"""Cleans a text before it is cut into tokens, as the towers' training did.

The training of CLIP used ftfy, which also guesses at wrongly decoded text; that guess is left out
here. What remains is its list of plain replacements (ftfy 6.3, Apache-2.0, `fixes.py`).
"""

from __future__ import annotations

import contextlib
import html
import re
import string
import unicodedata
from functools import cache
from typing import Literal

Clean = Literal["lower", "canonicalize", "whitespace"]
"""`lower`: CLIP. `canonicalize`: lower case without ASCII punctuation, SigLIP. `whitespace`: as is.

The names are open_clip's."""

_TERMINAL = re.compile("\x1b\\[[\\d;]*[a-zA-Z]")
_ENTITY = re.compile(r"&#?[0-9A-Za-z]{1,24};")
_SINGLE = re.compile("[\u02bc\u2018-\u201b]")
_DOUBLE = re.compile("[\u201c-\u201f]")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ROUNDS = 4

_LIGATURES = {
    "Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn", "Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž",
    "ǆ": "dž", "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj", "ﬀ": "ff",
    "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
}  # fmt: skip


def clean(text: str, how: Clean) -> str:
    """The text in its usual form, without spaces at the ends or twice in a row."""
    text = _mended(text)
    text = " ".join(html.unescape(html.unescape(text)).split())
    if how == "canonicalize":
        text = text.replace("_", " ").translate(_PUNCTUATION)
    if how != "whitespace":
        text = text.lower()
    return " ".join(text.split())


def _mended(text: str) -> str:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for _ in range(_ROUNDS):  # one replacement may make room for another
        before = text
        if "<" not in text:
            text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        text = _TERMINAL.sub("", text).translate(_replacements())
        text = _SINGLE.sub("'", _DOUBLE.sub('"', text))
        text = unicodedata.normalize("NFC", text)
        if text == before:
            break
    return text.encode("utf-8", "replace").decode()


@cache
def _replacements() -> dict[int, str | None]:
    """Ligatures, full and half width, Windows' punctuation, and controls that are no space."""
    table: dict[int, str | None] = {ord(one): many for one, many in _LIGATURES.items()}
    for code in (0x3000, *range(0xFF01, 0xFFF0)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if plain != chr(code):
            table[code] = plain
    for code in range(0x80, 0xA0):
        with contextlib.suppress(UnicodeDecodeError):
            table[code] = bytes([code]).decode("cp1252")
    controls = (
        *range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F,
        *range(0x206A, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFD),
    )  # fmt: skip
    table.update(dict.fromkeys(controls))
    return table
