"""CLIP's tokenizer: byte pairs, joined in the order that its training found them.

Source: openai/CLIP, clip/simple_tokenizer.py (MIT), whose results this gives. One thing differs
on purpose: `<end_of_text>` written in a text is text. There it is the mark where reading stops, so
a prompt could hide what follows.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from provenance.embed.tokens import Tokens
from provenance.embed.words import Clean, clean
from provenance.errors import ConfigError

MERGES = 49_152 - 256 - 2
"""Pairs of the published vocabulary; the file has more lines, which were never used."""

_END = "</w>"
_SUFFIXES = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")
_MAX_BYTES = 16 << 20

Pair = tuple[str, str]


class ClipTokenizer:
    """Cuts texts as CLIP does.

    Args:
        merges: the pairs, first one first.
        context: tokens that the tower takes; longer texts are cut.
        how: the cleaning before.
    """

    kind = "clip-bpe"

    def __init__(self, merges: Sequence[Pair], *, context: int = 77, how: Clean = "lower") -> None:
        if context < 2:
            raise ConfigError(f"the tower takes {context} tokens; expected at least 2")
        self._merges = tuple(merges)
        self.context = context
        self.how: Clean = how
        self._ranks = {pair: rank for rank, pair in enumerate(self._merges)}
        letters = list(_letters().values())
        words = letters + [letter + _END for letter in letters] + [a + b for a, b in self._merges]
        self._numbers = {word: number for number, word in enumerate(words)}
        self.start = len(words)
        self.end = self.start + 1
        self._joined = lru_cache(maxsize=10_000)(self._join)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the pairs, not what was made of them."""
        return _again, (self._merges, self.context, self.how)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides which tokens a text becomes."""
        text = "\n".join(f"{a} {b}" for a, b in self._merges)
        return hashlib.sha256(f"{self.kind} {self.context} {self.how}\n{text}".encode()).hexdigest()

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """A row of `context` numbers for each: start, the text, end, zeros."""
        tokens = np.zeros((len(texts), self.context), np.int64)
        for row, text in zip(tokens, texts, strict=True):
            numbers = [self.start, *self.encode(text)][: self.context - 1]
            row[: len(numbers)] = numbers
            row[len(numbers)] = self.end
        return tokens

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without start and end, however many."""
        letters = _letters()
        return [
            number
            for part in _parts(clean(text, self.how))
            for number in self._joined("".join(letters[byte] for byte in part.encode()))
        ]

    def _join(self, word: str) -> tuple[int, ...]:
        """Join the pair of the lowest rank until there is none to join."""
        pieces = [*word[:-1], word[-1] + _END]
        while len(pieces) > 1:
            pairs = itertools.pairwise(pieces)
            best = min(pairs, key=lambda pair: self._ranks.get(pair, MERGES))
            if best not in self._ranks:
                break
            joined, at = [], 0
            while at < len(pieces):
                if tuple(pieces[at : at + 2]) == best:
                    joined.append(best[0] + best[1])
                    at += 2
                else:
                    joined.append(pieces[at])
                    at += 1
            pieces = joined
        return tuple(self._numbers[piece] for piece in pieces)

    def to_bytes(self) -> bytes:
        """The pairs as `merges.txt`, one to a line."""
        lines = ["#version: 0.2", *(f"{a} {b}" for a, b in self._merges)]
        return ("\n".join(lines) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, context: int = 77, how: Clean = "lower") -> ClipTokenizer:
        """Read `merges.txt`, or a `tokenizer.json` that holds the same pairs.

        Raises:
            ConfigError: it holds something else.
        """
        return cls(_merges(data), context=context, how=how)

    @classmethod
    def bundled(cls, *, context: int = 77, how: Clean = "lower") -> ClipTokenizer:
        """The vocabulary that comes inside the package open_clip_torch, which is not imported.

        Raises:
            ConfigError: the package is not installed.
        """
        spec = find_spec("open_clip")
        path = Path(spec.origin or "").with_name("bpe_simple_vocab_16e6.txt.gz") if spec else None
        if path is None or not path.is_file():
            raise ConfigError(
                "CLIP's vocabulary comes with open_clip, which is not installed: "
                "pip install provenance-kit[clip]"
            )
        with gzip.open(path) as file:
            return cls.from_bytes(file.read(_MAX_BYTES), context=context, how=how)


def _again(merges: tuple[Pair, ...], context: int, how: Clean) -> ClipTokenizer:
    return ClipTokenizer(merges, context=context, how=how)


def _merges(data: bytes) -> list[Pair]:
    """The pairs of a vocabulary, checked."""
    try:
        text = data[:_MAX_BYTES].decode()
        if text.lstrip().startswith("{"):
            lines: list[Any] = json.loads(text)["model"]["merges"]
        else:
            lines = text.split("\n")[1:]
        found = [tuple(line.split() if isinstance(line, str) else line) for line in lines[:MERGES]]
        pairs = [(str(a), str(b)) for a, b in found]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            "the vocabulary is not CLIP's: expected merges.txt or tokenizer.json with its pairs; "
            "pull the model again"
        ) from error
    known = set(_letters().values())
    known |= {letter + _END for letter in known}
    for a, b in pairs:
        if a not in known or b not in known:
            raise ConfigError(
                "the vocabulary is damaged: a pair joins pieces that no earlier pair made; "
                "pull the model again"
            )
        known.add(a + b)
    if len(pairs) != MERGES:
        raise ConfigError(
            f"the vocabulary has {len(pairs)} pairs, CLIP's has {MERGES}; pull the model again"
        )
    return pairs


@cache
def _letters() -> dict[int, str]:
    """A printable letter for each byte, in the order of the vocabulary."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {b: chr(256 + n) for n, b in enumerate(others)}


def _parts(text: str) -> Iterator[str]:
    """Runs of letters, single digits, English endings, and runs of all else; no spaces."""
    at = 0
    while at < len(text):
        ending = next((s for s in _SUFFIXES if text.startswith(s, at)), None)
        kind = _kind(text[at])
        stop = at + (len(ending) if ending else 1)
        if not ending and kind in "LO":
            while stop < len(text) and _kind(text[stop]) == kind:
                stop += 1
        if kind != " ":
            yield text[at:stop]
        at = stop


def _kind(letter: str) -> str:
    """L letter, N number, O other, or a space."""
    if letter.isspace():
        return " "
    major = unicodedata.category(letter)[0]
    return major if major in "LN" else "O"
