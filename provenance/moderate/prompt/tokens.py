"""Cuts a folded prompt into words, single Han characters, numbers and emoji."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from provenance.moderate.prompt.characters import fold

_HAN = "\u3005\u3041-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han and hiragana, written without spaces: each character is a token."""

_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_ASCII_TOKEN = re.compile(r"[a-z]+|[0-9]+")
_TOKEN = re.compile(
    f"[{_HAN}]|[{_KATAKANA}]+|[{_EMOJI}]|[0-9]+|(?:(?![{_HAN}{_KATAKANA}])[^\\W\\d_])+"
)
_CLAUSE = re.compile(r"[,;|、。，；！？!?\n]|\.(?=\s)|\u2026")


_WEIGHT = re.compile(r":\s?-?[0-9.]{1,8}\s?(?=[)\]>])")
"""A1111's weights, which stand between words that the model reads as one phrase."""


class Gap(IntEnum):
    """What stands before a token, from nearest to farthest."""

    NONE = 0  # nothing at all
    MARK = 1  # punctuation and no space
    SPACE = 2  # a space, an underscore or a colon
    WIDE = 3  # several spaces
    CLAUSE = 4  # a comma, the end of a sentence, a new line, BREAK


class Token(NamedTuple):
    """One word; `start` and `end` count in the folded text."""

    word: str
    start: int
    end: int
    gap: Gap


@dataclass(frozen=True)
class Text:
    """A prompt, folded and cut up.

    Attributes:
        given: as it came.
        plain: what it says.
        looks: what it can be taken for, of the same length.
        origin: where each folded character stands in `given`.
        tokens: in order.
    """

    given: str
    plain: str
    looks: str
    origin: list[int] | range
    tokens: list[Token]

    @cached_property
    def starts(self) -> list[int]:
        """Where the tokens start, to look up by position."""
        return [token.start for token in self.tokens]

    def at(self, position: int) -> int:
        """The first token that starts at `position` or after it."""
        return bisect_left(self.starts, position)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the tokens from `first` up to `last`, not included, stand in the prompt."""
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        return self.origin[start], self.origin[end - 1] + 1

    def before(self, index: int) -> str:
        """The folded text between a token and the one before it."""
        previous = self.tokens[index - 1].end if index else 0
        return self.plain[previous : self.tokens[index].start]


def read(prompt: str) -> Text:
    """Fold and cut up. Linear time; any text will do."""
    plain, looks, origin = fold(prompt)
    if ":" in plain:
        plain, looks = _without_weights(plain), _without_weights(looks)
    pattern = _ASCII_TOKEN if plain.isascii() else _TOKEN
    tokens: list[Token] = []
    end = 0
    for found in pattern.finditer(plain):
        word, start = found[0], found.start()
        gap = _gap(plain[end:start]) if end < start else Gap.NONE
        if word == "break" and prompt[origin[start]] == "B":
            continue  # `end` stays, so that the next gap holds it
        tokens.append(Token(word, start, found.end(), gap))
        end = found.end()
    return Text(prompt, plain, looks, origin, tokens)


def _without_weights(text: str) -> str:
    return _WEIGHT.sub(lambda weight: "_" * len(weight[0]), text)


def _gap(between: str) -> Gap:
    """What some characters between two tokens mean."""
    if between == " ":
        return Gap.SPACE
    if between == ", " or "break" in between or _CLAUSE.search(between):
        return Gap.CLAUSE
    if "  " in between:
        return Gap.WIDE
    if " " in between or "_" in between or ":" in between:
        return Gap.SPACE
    return Gap.MARK
