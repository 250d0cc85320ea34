"""Scores prompts with term lists and rules: no model, no download, under a millisecond."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from provenance.moderate.interface import CATEGORIES
from provenance.moderate.prompt import context, minors
from provenance.moderate.prompt.interface import Match, checked
from provenance.moderate.prompt.lexicon import LEVELS, MINORS, Lexicon, Role, check, load
from provenance.moderate.prompt.scan import Hit, scan
from provenance.moderate.prompt.tokens import Text, read

_NEGATIVE_WEIGHT = re.compile(r"\(([^()]{1,200}):\s*-[0-9.]{1,8}\s*\)")
"""A1111's syntax for steering away from something within the prompt: "(clothes:-1)"."""

_NOT_LOWERED = frozenset({"sexual", MINORS})
"""Categories for which a museum or a textbook changes nothing."""


class PromptTerms:
    """Scores all categories; models/prompts/card.md says how well, and what gets past it.

    A score is that of the strongest term: 0.9 strong, 0.6 medium, 0.3 weak (two different weak
    ones: 0.6), and 1 or 0 for sexual-minors. It is a rank, not a probability. Thread-safe.

    Args:
        documents: checked term lists, as `lexicon.load` and `lexicon.check` return them.
    """

    name = "terms/1"
    categories = CATEGORIES

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._documents = tuple(documents)
        self._lexicon = Lexicon(self._documents)

    @classmethod
    def standard(cls) -> PromptTerms:
        """The lists that come with the library, read once in a process."""
        return _standard()

    def extended(self, *lists: Path | str | Mapping[str, Any]) -> PromptTerms:
        """These lists and more of them: TOML files, or the same as a mapping.

        Raises:
            ConfigError: a list cannot be read or is not understood.
        """
        more = [check(each) if isinstance(each, Mapping) else load(Path(each)) for each in lists]
        return PromptTerms((*self._documents, *more))

    def scores(self, prompt: str, negative: str = "") -> dict[str, float]:
        """A score in [0, 1] for each category.

        Args:
            prompt: text, or a `Prompt` with its negative prompt.
            negative: the negative prompt, if `prompt` does not hold it.

        Raises:
            ModerationFailed: not text, or over 100,000 characters; nothing was read.
        """
        found = dict.fromkeys(CATEGORIES, 0.0)
        weak: dict[str, set[str]] = {}
        for match in self.explain(prompt, negative):
            found[match.category] = max(found[match.category], match.score)
            if match.score == LEVELS["weak"]:
                weak.setdefault(match.category, set()).add(match.term)
        for category, terms in weak.items():
            if len(terms) > 1:
                found[category] = max(found[category], LEVELS["medium"])
        return found

    def explain(self, prompt: str, negative: str = "") -> tuple[Match, ...]:
        """Every term that was found, those that did not count included, in order.

        Of sexual-minors it says no more than that the prompt is refused.

        Raises:
            ModerationFailed: not text, or over 100,000 characters; nothing was read.
        """
        given, steered = checked(prompt, negative)
        text = read(given)
        hits = scan(text, self._lexicon)
        excused = context.excused(hits, self._lexicon)
        negated = context.negated(text, hits)
        matches = _exposing(text, hits, given)
        adult_avoided = False
        if steered:
            away = read(steered)
            avoided = scan(away, self._lexicon)
            taken = context.excused(avoided, self._lexicon)
            avoided = [hit for hit in avoided if hit not in taken]
            adult_avoided = any(hit.entry.role is Role.ADULT for hit in avoided)
            matches += [_exposed(away, hit, "negative prompt") for hit in avoided if _bares(hit)]
        exposed = any(match.score >= LEVELS["medium"] for match in matches)
        lowering = next((h.entry.text for h in hits if h.entry.role is Role.CONTEXT), "")
        for hit in _outermost([h for h in hits if h.entry.role is Role.TERM], excused):
            if hit.entry.category != MINORS:
                matches.append(_judged(text, hit, excused.get(hit), negated.get(hit), lowering))
        suggestive = adult_avoided and any(
            m.category in {"nudity", "sexual"} and m.score >= LEVELS["medium"] for m in matches
        )
        if suggestive or minors.refused(text, hits, excused, negated, self._lexicon, exposed):
            matches.append(Match(MINORS, "", (0, 0), "refused", 1.0))
        return tuple(matches)

    def __reduce__(self) -> tuple[type[PromptTerms], tuple[tuple[Mapping[str, Any], ...]]]:
        """Pickle the lists, not the tree."""
        return type(self), (self._documents,)


@cache
def _standard() -> PromptTerms:
    with as_file(files(__package__).joinpath("terms")) as folder:
        return PromptTerms([load(path) for path in sorted(folder.glob("*.toml"))])


def _bares(hit: Hit) -> bool:
    return hit.entry.role is Role.EXPOSING


def _exposed(text: Text, hit: Hit, rule: str) -> Match:
    span = text.span(hit.first, hit.last)
    return Match(hit.entry.category, hit.entry.text, span, rule, LEVELS[hit.entry.level])


def _exposing(text: Text, hits: list[Hit], given: str) -> list[Match]:
    """Clothes with a negative weight within the prompt."""
    spans = [found.span() for found in _NEGATIVE_WEIGHT.finditer(given)] if ":" in given else []
    made = [_exposed(text, hit, "negative weight") for hit in hits if _bares(hit)] if spans else []
    return [m for m in made if any(a <= m.span[0] and m.span[1] <= b for a, b in spans)]


def _outermost(hits: list[Hit], excused: Mapping[Hit, str]) -> list[Hit]:
    """Without the terms that lie within a longer one of the same category that counts."""
    kept: list[Hit] = []
    reach: dict[str, tuple[int, float]] = {}
    for hit in hits:  # by start, longer ones first
        last, score = reach.get(hit.entry.category, (0, 0.0))
        if hit.last <= last and LEVELS[hit.entry.level] <= score:
            continue
        kept.append(hit)
        if hit not in excused and hit.last > last:
            reach[hit.entry.category] = (hit.last, LEVELS[hit.entry.level])
    return kept


def _judged(text: Text, hit: Hit, excuse: str | None, no: str | None, lowering: str) -> Match:
    entry, rule, score = hit.entry, hit.rule, LEVELS[hit.entry.level]
    if excuse:
        rule, score = excuse, 0.0
    elif no:
        rule, score = no, 0.0
    elif lowering and score > LEVELS["medium"] and entry.category not in _NOT_LOWERED:
        rule, score = f"{rule}; context: {lowering}", LEVELS["medium"]
    return Match(entry.category, entry.text, text.span(hit.first, hit.last), rule, score)
