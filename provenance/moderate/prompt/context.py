"""What excuses a term: an exception around it, a word nearby, or a "no" before it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from provenance.moderate.prompt.lexicon import Lexicon, Role
from provenance.moderate.prompt.scan import Hit
from provenance.moderate.prompt.tokens import Gap, Text

_NEARBY = 6
"""Tokens between a term and a word that excuses it: about a clause."""

_SPARE = 1
"""Other words that may stand between a "no" and its term: "no visible blood", not "no makeup, ...
nude": each more would be a way to hide a term behind a "no" that means something else."""

_SPARE_HAN = 3
"""The same in Han characters and kana, of which two or three make a word."""

_LIST = 20
"""Tokens of a list after a "no": "no nudity, violence, or gore"."""

_FILLERS = frozenset(
    {"a", "an", "the", "any", "kind", "sort", "form", "forms", "sign", "signs", "of", "is", "are"}
    | {"and", "or", "nor", "und", "oder", "y", "o", "ni", "et", "ou", "de", "d"}
)
"""Words that a "no" reaches over."""

_LAST = frozenset({"or", "nor", "oder", "ni", "ou"})
"""Words that join the last part of such a list."""


def excused(hits: list[Hit], lexicon: Lexicon) -> dict[Hit, str]:
    """The terms that do not count, each with the reason."""
    terms = [hit for hit in hits if hit.entry.role in {Role.TERM, Role.MINOR, Role.EXPOSING}]
    if not terms:
        return {}
    reasons: dict[Hit, str] = {}
    covers = [hit for hit in hits if hit.entry.role is Role.EXCEPTION]
    covered: dict[int, Hit] = {}
    for cover in covers:
        for index in range(cover.first, cover.last):
            best = covered.get(index)
            if best is None or cover.last - cover.first > best.last - best.first:
                covered[index] = cover
    nearby = _positions(hits)
    for hit in terms:
        over = covered.get(hit.first)
        if over is not None and hit.last <= over.last:
            reasons[hit] = f"exception: {over.entry.text}"
            continue
        for word in lexicon.excuses.get(hit.entry.text, ()):
            places = nearby.get(word, [])
            at = bisect_left(places, hit.first - _NEARBY)
            if at < len(places) and places[at] <= hit.last + _NEARBY:
                reasons[hit] = f"nearby: {word}"
                break
    return reasons


def negated(text: Text, hits: list[Hit]) -> dict[Hit, str]:
    """The terms that a "no" takes back, each with the reason.

    A phrase that holds the "no" itself, such as "no clothes", is not taken back by it.
    """
    reach: dict[int, str] = {}
    covered: dict[int, int] = {}
    for hit in hits:
        if hit.entry.role in {Role.TERM, Role.MINOR}:
            covered[hit.first] = max(hit.last, covered.get(hit.first, 0))
    for hit in hits:
        if hit.entry.role is Role.NOT_BEFORE:
            for index in range(hit.last, _end(text, hit, covered)):
                reach[index] = f"negated: {hit.entry.text}"
        elif hit.entry.role is Role.NOT_AFTER:
            near = text.tokens[hit.first].gap
            if near is Gap.MARK or (near is Gap.NONE and not hit.entry.text.isascii()):
                for index in range(_back(text, hit.first), hit.first):
                    reach[index] = f"negated: {hit.entry.text}"
    terms = (hit for hit in hits if hit.entry.role in {Role.TERM, Role.MINOR})
    return {hit: reach[hit.first] for hit in terms if hit.first in reach}


def _positions(hits: list[Hit]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for hit in hits:
        if hit.entry.role is Role.NEARBY:
            found.setdefault(hit.entry.text, []).append(hit.first)
    return found


def _end(text: Text, hit: Hit, covered: Mapping[int, int]) -> int:
    """Up to where a "no" reaches: its terms, the rest of a list, or all of Midjourney's `--no`."""
    tokens = text.tokens
    if text.before(hit.first).endswith("--"):
        index = hit.last
        while index < min(len(tokens), hit.last + _LIST * 5) and "--" not in text.before(index):
            index += 1
        return index
    spare = _SPARE if tokens[hit.last - 1].word.isascii() else _SPARE_HAN
    stop = min(len(tokens), hit.last + _LIST)
    comma, index, left = 0, hit.last, spare
    while index < stop:
        if tokens[index].gap is Gap.CLAUSE:
            if index == hit.last:
                return index
            comma, left = comma or index, spare
        if comma and tokens[index].word in _LAST:
            return min(index + 3, stop)
        if index in covered:
            index = covered[index]
            continue
        if tokens[index].word not in _FILLERS:
            if not left:
                return comma or index
            left -= 1
        index += 1
    return comma or index


def _back(text: Text, index: int) -> int:
    """The start of the word before a "-free" or なし: one token, or the Han characters of it."""
    first = index - 1
    while (
        first > 0
        and not text.tokens[first].word.isascii()
        and text.tokens[first].gap is Gap.NONE
        and index - first < 4
    ):
        first -= 1
    return max(first, 0)
