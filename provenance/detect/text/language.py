"""How little a text looks like English or Chinese: support for a judgement, never one by itself.

Names, codes and other languages surprise it as much as gibberish does.
"""

from __future__ import annotations

import itertools
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS = "abcdefghijklmnopqrstuvwxyz'"

_TYPICAL = 4.0
"""Bits a letter given where there is no letter to judge: near that of English words."""


def folded(text: str) -> str:
    """Small letters without accents."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)
    )


def surprise(text: str) -> float:
    """Mean bits of surprise of each letter, after the two before it, and of each word's end.

    English words have about 3 to 4, random letters about 7 and more. A text with no letters in it
    has `_TYPICAL`: numbers say nothing.
    """
    table = _tables()[0]
    bits = letters = 0
    for word in "".join(c if c in LETTERS else " " for c in folded(text)).split():
        marks = [0, 0, *(LETTERS.index(c) + 1 for c in word), 0]
        bits += sum(int(table[abc]) for abc in zip(marks, marks[1:], marks[2:], strict=False))
        letters += len(marks) - 2
    return bits / 16 / letters if letters else _TYPICAL


def unknown_pairs(text: str) -> float:
    """Share of neighbouring Chinese characters that are no frequent pair; 0 if there are none."""
    pairs = [
        ord(a) << 16 | ord(b)
        for a, b in itertools.pairwise(text)
        if is_chinese(a) and is_chinese(b)
    ]
    known = _tables()[1]
    where = np.searchsorted(known, pairs)
    hits = sum(
        int(at < len(known) and known[at] == pair) for at, pair in zip(where, pairs, strict=True)
    )
    return 1 - hits / len(pairs) if pairs else 0.0


def is_chinese(character: str) -> bool:
    """Whether it is one of the characters of the common block (Unicode 4E00 to 9FFF)."""
    return "\u4e00" <= character <= "\u9fff"


@cache
def _tables() -> tuple[NDArray[Any], NDArray[Any]]:
    with (
        files("provenance_models").joinpath("text", "language.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as tables,
    ):
        return tables["english"], tables["chinese"]
