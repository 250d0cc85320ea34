"""Folds characters to the form that the term lists are in.

`plain` is what the character says (NFKC, no case, no accents, simplified Han); `looks` is the ASCII
letter that it can be taken for. Both have the same length, so that one offset serves both.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

_KEPT = 20_000
"""Characters whose folding is remembered; a hostile prompt may hold a million different ones."""

_SPACES = {"\t": " ", "\n": "\n", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\u2800": " "}
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that show nothing (Default_Ignorable_Code_Point of Unicode)."""

_VOICED = frozenset("\u3099\u309a")
"""Marks that make another letter of a kana: が is not か with an accent."""


@cache
def _tables() -> tuple[dict[str, str], dict[str, str]]:
    path = files(__package__).joinpath("characters.toml")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    looks = {char: letter for letter, chars in data["homoglyphs"].items() for char in chars}
    han = dict(zip(data["han"]["traditional"], data["han"]["simple"], strict=True))
    return looks, han


class _Folder(dict[str, tuple[str, str]]):
    """Folds each character once."""

    def __missing__(self, char: str) -> tuple[str, str]:
        folded = _fold(char)
        if len(self) < _KEPT:
            self[char] = folded
        return folded


_fold_once = _Folder()


def _fold(char: str) -> tuple[str, str]:
    looks, han = _tables()
    if char in _SPACES:
        return _SPACES[char], _SPACES[char]
    kind = unicodedata.category(char)
    if kind in {"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me"} or char in _FILLERS:
        if char in _VOICED:
            return char, char
        return "", ""
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # skin tones
        return "", ""
    marked = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", char).casefold())
    bare = "".join(c for c in marked if c in _VOICED or unicodedata.category(c) not in {"Mn", "Cf"})
    plain = "".join(han.get(c, c) for c in unicodedata.normalize("NFC", bare))
    letter = looks.get(char) or looks.get(plain)
    return plain, letter if letter and len(plain) == 1 else plain


def fold(text: str) -> tuple[str, str, list[int] | range]:
    """What the text says, what it looks like, and where each character of these came from.

    Zero-width characters, control characters, accents and lone surrogates are gone. Linear time.
    """
    if text.isascii() and text.isprintable():
        lower = text.lower()
        return lower, lower, range(len(text))
    plain: list[str] = []
    looks: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        says, like = _fold_once[char]
        if says in _VOICED and plain:
            joined = unicodedata.normalize("NFC", plain[-1] + says)
            if len(joined) == 1:
                plain[-1] = looks[-1] = joined
            continue
        plain += says
        looks += like
        origin += [index] * len(says)
    return "".join(plain), "".join(looks), origin
