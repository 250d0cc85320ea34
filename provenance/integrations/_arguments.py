"""What a generator is given: the prompts, and the pictures that become the history of its result.

Looked for among the arguments by name, and inside arguments that are dicts, dataclasses or models
(a request object). A picture is known by its type: Pillow, `Picture`, `Asset`, a file in bytes,
base64. Arrays, tensors and paths can be many things, so they count only under a name that ends with
`image` or means one.
"""

from __future__ import annotations

import inspect
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from provenance._inputs import Inputs
from provenance._prompts import prompts_of
from provenance.errors import ConfigError
from provenance.integrations import _texts
from provenance.integrations._arrays import ValueRange
from provenance.integrations._finished import file_of
from provenance.integrations._trees import parts
from provenance.integrations.containers import find
from provenance.picture import Asset, Picture

_PROMPT = re.compile(r"prompt(_\d)?")
_MASK = re.compile(r"(\w+_)?masks?(_images?)?(_\d+)?")
_PICTURE = re.compile(
    r"(\w+_)?(image|img|picture|photo|reference|sketch|scribble|drawing)s?(_\d+)?"
)
_DEEPEST = 4
"""Levels of request objects that are looked into."""

_ONE_PROMPT = inspect.signature(lambda prompt: prompt)
_ANY = inspect.signature(lambda *args, **kwargs: (args, kwargs))


@dataclass(frozen=True, slots=True)
class Given:
    """What was found among the arguments of one call."""

    prompts: tuple[str, ...]
    inputs: Inputs


class Reader:
    """Finds them for one function.

    Args:
        function: whose arguments they are.
        prompt: the argument that holds the prompt, where it is not called so.
        edits: the argument that holds the picture of which the result is an altered version.
        values: of black and white in arrays of floats.

    Raises:
        ConfigError: the function has no such argument.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        prompt: str | None = None,
        edits: str | None = None,
        values: ValueRange | None = None,
    ) -> None:
        try:
            self._signature = inspect.signature(function)
        except (TypeError, ValueError):  # of some functions in C nobody knows it
            self._signature = _ANY
        self._prompt, self._edits, self._values = prompt, edits, values
        kinds = {each.kind for each in self._signature.parameters.values()}
        for name in (prompt, edits):
            if name in (None, *self._signature.parameters):
                continue
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                raise ConfigError(
                    f"the generator has no argument '{name}'; it has "
                    f"{', '.join(self._signature.parameters) or 'none'}"
                )

    def read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """The prompts and the pictures of a call.

        Raises:
            TypeError: the arguments do not fit the function.
            ModerationFailed: a prompt is no text, so that it cannot be moderated.
            UnsupportedPicture: an array under the name of a picture cannot be one.
        """
        signature, args = _without_self(self._signature, args)
        named = list(_named(signature, args, kwargs))
        prompts: list[str] = []
        if self._prompt is None or any(_PROMPT.fullmatch(name) for name, _ in named):
            prompts += prompts_of(signature, args, kwargs)
        for name, value in named:
            if name == self._prompt and value is not None:
                prompts += prompts_of(_ONE_PROMPT, (value,), {})
            fields = _fields(value)
            if any(map(_PROMPT.fullmatch, fields)):
                prompts += prompts_of(_ANY, (), fields)
        return Given(tuple(prompts), self._inputs(named))

    def _inputs(self, named: Sequence[tuple[str, Any]]) -> Inputs:
        """An explicit edit, or a picture with a mask, is edited; all others are references."""
        found = [(name, list(_pictures(name, value, self._values))) for name, value in named]
        found = [(name, pictures) for name, pictures in found if pictures]
        masked = any(_MASK.fullmatch(name) for name, _ in found)
        edited: Any = None
        references: list[Any] = []
        for name, pictures in found:
            wanted = name == self._edits if self._edits else masked and not _MASK.fullmatch(name)
            if wanted and edited is None and len(pictures) == 1:
                edited = pictures[0]
            else:
                references += pictures
        return Inputs(edited, references)


def _without_self(
    signature: inspect.Signature, args: tuple[Any, ...]
) -> tuple[inspect.Signature, tuple[Any, ...]]:
    """Leave out what a method is bound to, so that it is not taken for the first argument."""
    parameters = list(signature.parameters.values())
    if args and parameters and parameters[0].name in ("self", "cls"):
        return signature.replace(parameters=parameters[1:]), args[1:]
    return signature, args


def _named(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Every argument and every field of a request, by name; defaults count."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            each = list(value.items())
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            each = [(name, one) for one in value]
        else:
            each = [(name, value)]
        for name_, value_ in each:
            yield from _with_fields(name_, value_, 0)


def _with_fields(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    yield name, value
    if depth < _DEEPEST:
        for inner, held in _fields(value).items():
            yield from _with_fields(inner, held, depth + 1)
        for one in value if isinstance(value, list | tuple) else ():
            if _fields(one):
                yield from _with_fields(name, one, depth + 1)


def _fields(value: Any) -> dict[str, Any]:
    """What a request object holds, by name."""
    if isinstance(value, Picture | Asset | Image.Image | str | bytes | np.ndarray | list | tuple):
        return {}
    if isinstance(value, Mapping):
        return {name: held for name, held in value.items() if isinstance(name, str)}
    inside = parts(value)
    return {part.name[1:]: part.value for part in inside.attributes} if inside else {}


def _pictures(name: str, value: Any, values: ValueRange | None) -> Iterator[Any]:
    """The pictures that an argument is, as `Inputs` takes them."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _pictures(name, each, values)
    elif isinstance(value, Picture | Image.Image):
        yield file_of(value) or value
    elif isinstance(value, Asset):
        yield value.data
    elif isinstance(value, bytes | bytearray | memoryview | io.BytesIO):
        data = value.getvalue() if isinstance(value, io.BytesIO) else bytes(value)
        if _texts.is_picture(data[:1_024]):
            yield data
    elif isinstance(value, str) and (written := _texts.read(value)) is not None:
        yield from written.pictures
    elif not _PICTURE.fullmatch(name) and not _MASK.fullmatch(name):
        return
    elif isinstance(value, str | os.PathLike):
        yield from _file(value)
    elif isinstance(value, np.ndarray) or hasattr(value, "is_quantized"):
        yield from find(value, values=values).pictures


def _file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The path, if there is a picture; an address on the network is not fetched."""
    try:
        if Path(path).is_file():  # opening a pipe would wait for ever
            with Path(path).open("rb") as file:
                if _texts.is_picture(file.read(1_024)):
                    yield Path(path)
    except (OSError, ValueError):
        return
