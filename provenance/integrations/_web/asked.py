"""`Asked`: a request, and the prompts in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from provenance._inputs import Inputs
from provenance.errors import ModerationFailed
from provenance.integrations._web import headers
from provenance.integrations._web.headers import Fields
from provenance.moderate.prompt.interface import Prompt
from provenance.server.errors import invalid

_PROMPT = re.compile(r"(?:text_)?prompts?(?:_\d)?", re.IGNORECASE)
_NEGATIVE = re.compile(r"negative_?prompts?(?:_\d)?", re.IGNORECASE)

_DEEPEST = 128
"""Levels of JSON; Python's own limit on recursion allows more."""


class _Members(tuple[tuple[str, Any], ...]):
    """A JSON object: all of its members, those of the same name as well."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        method: in capitals.
        path: decoded, from the root of the server.
        query: as it was sent.
        fields: of the head, in order.
        body: all of it if it is JSON or a form, and for hooks of your own an upload; else empty.
    """

    method: str
    path: str
    query: str
    fields: Fields = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def media_type(self) -> str:
        """What the body is said to be, in lower case and without parameters."""
        return headers.get(self.fields, "content-type").partition(";")[0].strip().lower()

    @property
    def is_form(self) -> bool:
        """A body of short fields."""
        return self.media_type == "application/x-www-form-urlencoded"

    @property
    def is_upload(self) -> bool:
        """A body of fields and files."""
        return self.media_type == "multipart/form-data"

    @property
    def is_json(self) -> bool:
        """A body of JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")


PromptsOf: TypeAlias = Callable[[Asked], Sequence[str]]
InputsOf: TypeAlias = Callable[[Asked], Inputs]


def prompts_of(asked: Asked) -> tuple[str, ...]:
    """What is named a prompt in the query, in a form, or anywhere in JSON.

    A text counts, a list of texts, and every text inside an object (of a graph, of weighted
    prompts). Negative prompts are told together with the prompts.

    Raises:
        Refusal: 400, the body is not JSON though it is said to be.
    """
    pairs = parse_qsl(asked.query)
    if asked.media_type == "application/x-www-form-urlencoded":
        pairs += parse_qsl(asked.body.decode("utf-8", "replace"))
    found = [text for name, text in pairs if _PROMPT.fullmatch(name)]
    against = [text for name, text in pairs if _NEGATIVE.fullmatch(name)]
    if asked.is_json and asked.body:
        try:
            tree = json.loads(asked.body, object_pairs_hook=_Members)
        except (ValueError, RecursionError) as error:
            raise invalid("the body is not JSON") from error
        for name, value in _members(tree, 0):
            if _PROMPT.fullmatch(name):
                found += _texts(value, 0)
            elif _NEGATIVE.fullmatch(name):
                against += _texts(value, 0)
    negative = "\n".join(against)
    return tuple(Prompt(text, negative) if negative else text for text in found if text.strip())


def _members(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    _check(depth)
    if isinstance(value, list):
        for each in value:
            yield from _members(each, depth + 1)
    if isinstance(value, _Members):
        for name, each in value:
            yield name, each
            if not _PROMPT.fullmatch(name) and not _NEGATIVE.fullmatch(name):
                yield from _members(each, depth + 1)


def _texts(value: Any, depth: int) -> Iterator[str]:
    _check(depth)
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, depth + 1)
    elif isinstance(value, _Members):
        for _, each in value:
            yield from _texts(each, depth + 1)


def _check(depth: int) -> None:
    if depth > _DEEPEST:
        raise ModerationFailed(
            f"the request's JSON is nested deeper than {_DEEPEST} levels, so that its prompts "
            "cannot be found; pass prompts_of= for such requests"
        )
