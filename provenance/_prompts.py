"""Finds the prompts among the arguments of a generator; what is missed goes unmoderated."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from provenance.errors import ModerationFailed
from provenance.moderate.prompt.interface import Prompt

_PROMPT = re.compile(r"prompt(_\d)?")
"""Models with several text encoders take one prompt for each: `prompt`, `prompt_2`, `prompt_3`."""


def prompts_of(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, ...]:
    """The prompts of a call: arguments named `prompt`, or else the first; defaults count.

    Each comes with its negative prompt, where one is given. Where one argument has a list and its
    negative has one as well, they are paired; where their lengths differ, each prompt gets all.

    Raises:
        ModerationFailed: a prompt is there and is neither text nor a list of texts, so that it
            cannot be moderated.
    """
    given = _arguments(signature, args, kwargs)
    named = [name for name in given if _PROMPT.fullmatch(name)]
    if not named:
        first = next(iter(given.items()), None)
        return tuple(_paired(first[1], None)) if first and _texts(first[1]) else ()
    found: list[str] = []
    for name in named:
        value = given[name]
        if value is None:
            continue
        if _texts(value) is None:
            raise ModerationFailed(
                f"the {name.replace('_', ' ')} is a {type(value).__name__}; expected text or a "
                "list of texts, since anything else cannot be moderated"
            )
        found += _paired(value, given.get(f"negative_{name}"))
    return tuple(found)


def _arguments(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Mapping[str, Any]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            given.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            given.update({f"{name}[{n}]": each for n, each in enumerate(value)})
        else:
            given[name] = value
    return given


def _texts(value: Any) -> tuple[str, ...] | None:
    """The texts of an argument, or None if it holds something else."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return tuple(value)
    return None


def _paired(value: Any, negative: Any) -> Iterator[str]:
    prompts = _texts(value) or ()
    against = _texts(negative) or ()
    for n, prompt in enumerate(prompts):
        mine = against[n] if len(against) == len(prompts) else "\n".join(against)
        yield Prompt(prompt, mine) if mine else prompt
