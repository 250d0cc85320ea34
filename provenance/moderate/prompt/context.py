"""What excuses a term: an exception around it, a word nearby, or a "no" before it."""

from __future__ import annotations

from bisect import bisect_left

from provenance.moderate.prompt.lexicon import Lexicon, Role
from provenance.moderate.prompt.scan import Hit
from provenance.moderate.prompt.tokens import Gap, Text

_NEARBY = 6
"""Tokens between a term and a word that excuses it: about a clause."""

_REACH = 4
"""Words that a "no" takes back: "no visible blood or gore"."""

_REACH_HAN = 7
"""The same in Han characters and kana, of which two or three make a word."""

_LIST = 20
"""Tokens of a list after a "no": "no nudity, violence, or gore"."""

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
    for hit in hits:
        if hit.entry.role is Role.NOT_BEFORE:
            for index in range(hit.last, _end(text, hit)):
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


def _end(text: Text, hit: Hit) -> int:
    """Up to where a "no" reaches: some words, the rest of a list, or all of Midjourney's `--no`."""
    tokens = text.tokens
    dashes = text.before(hit.first).endswith("--")
    stop = min(len(tokens), hit.last + (_LIST * 5 if dashes else _LIST))
    reach = _REACH if tokens[hit.last - 1].word.isascii() else _REACH_HAN
    comma, words = 0, 0
    for index in range(hit.last, stop):
        if dashes:
            if "--" in text.before(index):
                return index
            continue
        if tokens[index].gap is Gap.CLAUSE:
            if index == hit.last:
                return index
            comma, words = comma or index, 0
        if comma and tokens[index].word in _LAST:
            return min(index + 3, stop)
        words += 1
        if words > reach:
            return comma or index
    return stop if dashes else comma or stop


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
