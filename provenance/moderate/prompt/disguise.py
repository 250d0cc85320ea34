"""Finds words in disguise: other alphabets, digits for letters, spaces, dots, masks, repetition.

Each finding is an edge: from one token to another one, a word of the lists can be read. A reading
that is no word of the lists is dropped at once, so the edges are few and the time is linear.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from provenance.moderate.prompt.lexicon import Lexicon
from provenance.moderate.prompt.tokens import Gap, Text


class Edge(NamedTuple):
    """`word` can be read up to the token `last`, not included."""

    word: str
    last: int
    rule: str


Edges = dict[int, list[Edge]]

_LETTERS = str.maketrans("013456789@$+\u20ac\u00a2\u00a5", "oieasgtbgaste" + "cy")
_AS_I = str.maketrans("1!|", "iii")
_AS_L = str.maketrans("1!|", "lll")
_LEET_RUN = re.compile(r"[a-z0-9@$!|+\u20ac\u00a2\u00a5]{3,40}")
_LEET = re.compile(r"[0-9@$!|+\u20ac\u00a2\u00a5]")
_LETTER = re.compile(r"[a-z]")
_MASK = "*#%^~\u2022\u25cf\u25a0\u2588"
_MASKED = re.compile(f"(?<![a-z])[a-z]++(?:[{_MASK}]++[a-z]++)+")  # linear: never tries twice
_LONG_RUNS = re.compile(r"(.)\1{2,}")
_RUNS = re.compile(r"(.)\1+")
_RARE_PAIRS = re.compile(r"aa|ii|uu")
"""Twice the same vowel, as hardly any English word has it; "rapped" is left alone."""
_CAPITALS = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
_NAME = re.compile(r"<[^<>\n]{1,200}>")
_LONGEST = 24
"""Letters that a disguised word may have."""


def edges(text: Text, lexicon: Lexicon) -> Edges:
    """Every disguised word, by the token that it starts with."""
    found: Edges = defaultdict(list)
    ways = [_repeated, _spaced, _split, _capitals]
    if not text.plain.isascii():
        ways += [_foreign]
    if _LEET.search(text.looks):
        ways += [_leet]
    if any(mask in text.looks for mask in _MASK):
        ways += [_masked]
    if "<" in text.plain:
        ways += [_names]
    for way in ways:
        for first, edge in way(text, lexicon):
            if first < edge.last:
                found[first].append(edge)
    return found


def squeezed(word: str) -> tuple[str, ...]:
    """Readings of a word without its repetitions: "nuuude", "nnuuddee"."""
    if _LONG_RUNS.search(word):
        return (
            _RUNS.sub(r"\1", word),
            _LONG_RUNS.sub(r"\1", word),
            _LONG_RUNS.sub(r"\1\1", word),
        )
    if _RARE_PAIRS.search(word) or sum(1 for _ in _RUNS.finditer(word)) > 1:
        return (_RUNS.sub(r"\1", word),)
    if len(word) > 4 and word[-1] == word[-2]:
        return (word[:-1],)
    return ()


def _repeated(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    for index, token in enumerate(text.tokens):
        if token.end - token.start < 3:
            continue
        for word in squeezed(text.looks[token.start : token.end][: _LONGEST * 4]):
            for known in lexicon.known(word):
                yield index, Edge(known, index + 1, "repeated letters")


def _spaced(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    """Letters that stand alone, one after the other; wider gaps part the words."""
    tokens, start = text.tokens, 0
    while start < len(tokens):
        end, widest = start, Gap.WIDE
        while (
            end < len(tokens)
            and tokens[end].end - tokens[end].start == 1
            and tokens[end].word.isalnum()
            and (end == start or Gap.NONE < tokens[end].gap <= widest)
        ):
            if end == start + 1:
                widest = max(Gap.SPACE, tokens[end].gap)
            end += 1
        if end - start > 2:
            letters = "".join(text.looks[t.start] for t in tokens[start:end])
            for reading in {letters, *_decoded(letters)}:
                yield from _within(reading, start, lexicon)
        start = max(end, start + 1)


def _within(letters: str, start: int, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    whole = len(letters)
    for first in range(whole):
        for last in range(first + 3, min(whole, first + _LONGEST) + 1):
            word = letters[first:last]
            if last - first > 3 or last - first == whole:
                if word in lexicon.disguised:
                    yield start + first, Edge(word, start + last, "spaced letters")
                if word in lexicon.stems:
                    yield start + first, Edge(word + "*", start + last, "spaced letters")


def _split(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    """Pieces with marks between them and no space: "na-ked", "n.aked", "nu(de)"."""
    tokens = text.tokens
    for first in range(len(tokens) - 1):
        if tokens[first + 1].gap is not Gap.MARK:
            continue
        word = text.looks[tokens[first].start : tokens[first].end]
        for last in range(first + 1, min(first + 6, len(tokens))):
            if tokens[last].gap is not Gap.MARK or len(word) > _LONGEST:
                break
            word += text.looks[tokens[last].start : tokens[last].end]
            if len(word) > 3:
                for known in lexicon.known(word):
                    yield first, Edge(known, last + 1, "split by marks")


def _capitals(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    """Words written together: "NakedWoman"."""
    for index, token in enumerate(text.tokens):
        if token.end - token.start < 3:
            continue
        start, end = text.origin[token.start], text.origin[token.end - 1] + 1
        given = text.given[start:end]
        if not given[1:].islower() and not given.isupper():
            for piece in _CAPITALS.findall(given):
                word = piece.lower()
                if len(word) < len(given):
                    for known in lexicon.known(word):
                        yield index, Edge(known, index + 1, "words written together")


def _foreign(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    """Words with letters of other alphabets that look Latin, or stand among Latin ones."""
    for found in re.finditer(r"[a-z]+", text.looks):
        if text.plain[found.start() : found.end()] != found[0]:
            first, last = text.at(found.start()), text.at(found.end())
            for word in (found[0], *squeezed(found[0])):
                for known in lexicon.known(word):
                    yield first, Edge(known, last, "other alphabets")
    for index, token in enumerate(text.tokens):
        if token.end - token.start < 3:
            continue
        seen = text.looks[token.start : token.end]
        if len(seen) <= _LONGEST and not seen.isascii() and _LETTER.search(seen):
            mask = "".join(c if c.isascii() else "*" for c in seen)
            for word in _fitting(mask, lexicon):
                yield index, Edge(word, index + 1, "other alphabets")


def _leet(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    for found in _LEET_RUN.finditer(text.looks):
        run = found[0]
        if not (_LETTER.search(run) and _LEET.search(run)):
            continue
        first, last = text.at(found.start()), text.at(found.end())
        bare = run.strip("0123456789!|+")
        for reading in {each for part in (run, bare, run.rstrip("!|+")) for each in _decoded(part)}:
            for word in (reading, *squeezed(reading)):
                for known in lexicon.known(word):
                    yield first, Edge(known, last, "digits for letters")


def _decoded(run: str) -> set[str]:
    """Readings of the same length with the digits and signs as letters."""
    return {run.translate(table).translate(_LETTERS) for table in (_AS_I, _AS_L)}


def _masked(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    for found in _MASKED.finditer(text.looks):
        if len(found[0]) <= _LONGEST:
            first, last = text.at(found.start()), text.at(found.end())
            for word in _fitting(re.sub(f"[{_MASK}]", "*", found[0]), lexicon):
                yield first, Edge(word, last, "masked letters")


def _fitting(mask: str, lexicon: Lexicon) -> Iterator[str]:
    """Words of the lists that a mask with at least half of its letters shown can stand for."""
    if mask.count("*") * 2 > len(mask) or (mask[0] == "*" and len(mask) < 4):
        return
    firsts = "abcdefghijklmnopqrstuvwxyz" if mask[0] == "*" else mask[0]
    for letter in firsts:
        for word in lexicon.shapes.get((len(mask), letter), ()):
            if all(m in ("*", c) for m, c in zip(mask, word, strict=True)):
                yield word


def _names(text: Text, lexicon: Lexicon) -> Iterator[tuple[int, Edge]]:
    """Stems anywhere in the names of LoRA and of embeddings: `<lora:supernudes_v2:1>`."""
    for found in _NAME.finditer(text.plain):
        for index in range(text.at(found.start()), text.at(found.end())):
            token = text.tokens[index]
            for begin in range(1, min(token.end - token.start, 100)):
                piece = token.word[begin:]
                for length in range(
                    lexicon.shortest_stem, min(lexicon.longest_stem, len(piece)) + 1
                ):
                    if piece[:length] in lexicon.stems:
                        yield index, Edge(piece[:length] + "*", index + 1, "name of a model")
