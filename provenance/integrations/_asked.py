"""What a pipe of diffusers is asked for and shown, told by the names of its arguments.

The names are those of diffusers 0.42. What is missed here goes unmoderated or unnamed, so they are
matched widely: at worst, a text too many is moderated.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from PIL import Image

from provenance._inputs import Inputs
from provenance._prompts import prompts_of
from provenance.errors import UnsupportedPicture
from provenance.integrations import _arrays

NAMED = 16
"""Input pictures that a manifest names; each one adds a thumbnail, and the further frames of a
film say little more than its first."""

_PROMPT = re.compile(r"(negative_)?prompt(_\d)?")
_WORDS = re.compile(r"prompt|phrase|caption|instruction|subject|message|concept|text")
_NO_WORDS = re.compile(r"neg(ative)?_.*|.*(embed|latent|mask).*")
_EMBEDDED = re.compile(
    r".*(embed|encoder_hidden_states|text_model_output|prompt_latents|prior_token).*(?<!_mask)"
)
_SHOWN = re.compile(
    r"(?!neg).*(image|video|frame|mask|hint|control|picture|reference|depth_map|cond).*"
)
_NOT_SHOWN = re.compile(r".*(latent|embed|attention|noise|size|scale|position|ids|grid).*")
_ALTERED = ("image", "original_image", "init_image", "video")


class Asked:
    """The arguments of one call.

    Args:
        bound: to the method's signature; the first is the object itself. `replace` changes it.
    """

    def __init__(self, bound: inspect.BoundArguments) -> None:
        self._bound = bound
        self._own, *rest = bound.signature.parameters.values()
        self._signature = bound.signature.replace(parameters=rest)
        self._extra = next((p.name for p in rest if p.kind is p.VAR_KEYWORD), None)

    @property
    def given(self) -> Mapping[str, Any]:
        """What the caller passed, by name; defaults do not count."""
        given = {n: v for n, v in self._bound.arguments.items() if n != self._own.name}
        extra = given.pop(self._extra, {}) if self._extra else {}
        return {**given, **extra}

    def value(self, name: str) -> Any:
        """What was passed, or else the default; None if there is no such argument."""
        if name in self.given:
            return self.given[name]
        known = self._signature.parameters.get(name)
        return None if known is None or known.default is known.empty else known.default

    def replace(self, name: str, value: Any) -> None:
        """Pass something else."""
        extra = self._bound.arguments.get(self._extra, {}) if self._extra else {}
        (extra if name in extra else self._bound.arguments)[name] = value

    def prompts(self) -> tuple[str, ...]:
        """Every text that asks for something: prompts, each with its negative, and other words.

        Raises:
            ModerationFailed: a prompt is neither text nor a list of texts.
        """
        listed = inspect.BoundArguments(self._bound.signature, OrderedDict(self._bound.arguments))
        for name, value in self.given.items():
            if name in listed.arguments and _PROMPT.fullmatch(name) and isinstance(value, dict):
                listed.arguments[name] = list(value.values())  # by frame, in some pipes
        found = list(prompts_of(self._signature, listed.args[1:], listed.kwargs))
        for name, value in self.given.items():
            if _WORDS.search(name) and not (_NO_WORDS.fullmatch(name) or _PROMPT.fullmatch(name)):
                found += _texts(value)
        return tuple(dict.fromkeys(found))

    def embedded(self) -> list[str]:
        """Names of arguments that ask in numbers, which cannot be moderated."""
        return [
            name
            for name, value in self.given.items()
            if _EMBEDDED.fullmatch(name) and any(not _plain(leaf) for leaf in _leaves(value))
        ]

    def callbacks(self) -> dict[str, Callable[..., Any]]:
        """Functions that are called at every step, by name."""
        return {n: v for n, v in self.given.items() if "callback" in n and callable(v)}

    def inputs(self, *, edits: bool) -> tuple[Inputs, tuple[str, ...]]:
        """The pictures that were passed, and notes on those that could not be named.

        Args:
            edits: the pipe alters the picture that it is given, and does not only follow it.
        """
        notes: list[str] = []
        found: dict[str, list[Any]] = {}
        for name, value in self.given.items():
            pictures = list(_pictures(name, value, notes))
            if pictures:
                found[name] = pictures
        edited = None
        masked = any(name.startswith("mask") for name in found)
        for name in _ALTERED:
            if (edits or masked) and len(found.get(name, ())) == 1:
                edited = found.pop(name)[0]
                break
        references = [picture for pictures in found.values() for picture in pictures]
        if len(references) > NAMED:
            notes.append(
                f"{len(references)} input pictures were given; the first {NAMED} are named"
            )
        return Inputs(edited, tuple(references[:NAMED])), tuple(notes)


def _pictures(name: str, value: Any, notes: list[str]) -> Iterator[Any]:
    named = bool(_SHOWN.fullmatch(name)) and not _NOT_SHOWN.fullmatch(name)
    for leaf in _leaves(value):
        if isinstance(leaf, Image.Image):
            yield leaf
        elif isinstance(leaf, str):
            if leaf and name.endswith(("image", "images")):
                yield leaf  # its path
        elif named and not _plain(leaf):
            try:
                yield from _unpacked(leaf)
            except UnsupportedPicture:
                notes.append(f"an input, {name}, is no picture that could be named (latents, say)")


def _unpacked(value: Any) -> list[Any]:
    """The pictures of an array or a tensor; what black and white are is told by the values.

    That will do here: it says what a thumbnail looks like.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).numpy()
    if not isinstance(value, np.ndarray):
        raise UnsupportedPicture(f"a {type(value).__name__} is no picture")
    if value.dtype == np.bool_:
        value = value.astype(np.uint8) * 255
    values = None
    if np.issubdtype(value.dtype, np.floating) and value.size:
        low, high = float(value.min()), float(value.max())
        if low < 0 and max(-low, high) <= 1.001:  # half precision rounds beyond 1
            values = _arrays.ValueRange(-1, 1)
        elif low >= 0 and 1 < high <= 255:
            values = _arrays.ValueRange(0, 255)
    return list(_arrays.read(value, values).pictures)


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes | bool | int | float)


def _texts(value: Any) -> Iterator[str]:
    return (leaf for leaf in _leaves(value) if isinstance(leaf, str))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _leaves(getattr(value, each.name))
    else:
        yield value
