"""Finds the prompts among the arguments of a generator; what is missed goes unmoderated."""

from __future__ import annotations

import inspect
from typing import Any

from provenance.errors import ModerationFailed


def prompts_of(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, ...]:
    """The prompts of a call: the argument named `prompt`, or else the first; defaults count.

    Raises:
        ModerationFailed: `prompt` is there and is neither text nor a list of texts, so that it
            cannot be moderated.
    """
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
    named = "prompt" in given
    found = given["prompt"] if named else next(iter(given.values()), None)
    if isinstance(found, str):
        return (found,)
    if isinstance(found, list | tuple) and all(isinstance(text, str) for text in found):
        return tuple(found)
    if named and found is not None:
        raise ModerationFailed(
            f"the prompt is a {type(found).__name__}; expected text or a list of texts, since "
            "anything else cannot be moderated"
        )
    return ()
