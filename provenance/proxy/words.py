"""Finds the words that are to be drawn in a request of any shape, by the names of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provenance.moderate.prompt.interface import LIMIT, Prompt
from provenance.proxy import graphs
from provenance.proxy.asked import Asked, texts
from provenance.server.errors import invalid

_PROMPT = re.compile(
    r"(?:.*[_\W])?(?:prompts?|captions?)(?:[_\W]*+\d++)?+\W*+(?:text)?+\W*+|inputs", re.I | re.S
)
"""As the APIs say: `prompt`, `hr_prompt`, `prompt_2`, `text_prompts[0][text]`; `inputs` is Hugging
Face's."""
_NEGATIVE = re.compile(r".*(?:negative|neg_|uc$)", re.I | re.S)

DEEPEST = 64


def prompts(asked: Asked) -> list[str]:
    """Whatever a field is called `prompt`, `hr_prompt`, `text_prompts[0]`, ...

    A negative prompt belongs to the prompts beside it; alone, it is one. Of a graph of ComfyUI's,
    wherever it stands, all texts are prompts.
    """
    named = [(n, d.decode("utf-8", "replace")) for n, d in asked.files if _PROMPT.fullmatch(n)]
    found = list(_paired([*asked.fields, *named]))
    if asked.json is not None:
        found += _in_tree(asked.json, 0)
    return found


def paired(positive: list[str], negative: list[str]) -> Iterator[str]:
    """Each prompt with all that is to be kept away from it."""
    away = "\n".join(text for text in negative if text.strip())
    wanted = [text for text in positive if text.strip()]
    for text in wanted or ([""] if away else []):
        yield bounded(Prompt(text, away) if away else text)


def bounded(text: str) -> str:
    """The text, if it can be moderated.

    Raises:
        Refusal: 400, it is too long.
    """
    longest = max(len(text), len(getattr(text, "negative", "")))
    if longest > LIMIT:
        raise invalid(f"the prompt has {longest:,} characters, at most {LIMIT:,} can be moderated")
    return text


def _in_tree(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise invalid(f"the JSON body is nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        graph = graphs.nodes(value)
        wanted, away = graphs.sides(graph)
        yield from paired(["\n".join(wanted)], away)
        yield from _paired(list(value.items()))
        for name, inner in value.items():
            if name not in graph and isinstance(inner, dict | list) and not _is_texts(inner):
                if _PROMPT.fullmatch(name):
                    yield from _weighted(inner if isinstance(inner, list) else [inner])
                yield from _in_tree(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_tree(inner, depth + 1)


def _paired(fields: list[tuple[str, Any]]) -> Iterator[str]:
    positive: list[str] = []
    negative: list[str] = []
    for name, value in fields:
        if _PROMPT.fullmatch(name):
            (negative if _NEGATIVE.match(name) else positive).extend(texts(value))
    yield from paired(positive, negative)


def _weighted(prompts: list[Any]) -> Iterator[str]:
    """`[{"text": ..., "weight": ...}]`; a weight below zero makes a negative prompt."""
    positive: list[str] = []
    negative: list[str] = []
    for each in prompts:
        if isinstance(each, dict) and isinstance(each.get("text"), str):
            weight = each.get("weight", 1)
            away = isinstance(weight, int | float) and weight < 0
            (negative if away else positive).append(each["text"])
    yield from paired(positive, negative)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
