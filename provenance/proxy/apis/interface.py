"""`Api`: what the proxy has to know of an API. The base is for one that it knows nothing of.

What follows from the bytes alone is not asked here: every picture in an answer is protected
whatever the API, and none passes because an API was told wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provenance._inputs import Inputs
from provenance.codec.limits import Limits
from provenance.errors import InputError
from provenance.integrations import containers
from provenance.picture import Picture
from provenance.proxy import words
from provenance.proxy.asked import Asked
from provenance.server.errors import Refusal, invalid

_PICTURE_FILE = re.compile(r".*\.(?:png|jpe?g|jfif|webp|avif|gif|bmp|tiff?|jxl|heic|heif)", re.I)

_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Link:
    """A place in an answer that names a picture by its address.

    Attributes:
        owner: the dict or list in which it stands.
        key: where in it.
        url: the address.
    """

    owner: Any
    key: Any
    url: str


class Api:
    """Any server of pictures: `prompt` in JSON, a form or the query; `image/*` or JSON back."""

    def prompts(self, asked: Asked) -> list[str]:
        """The words that are to be drawn.

        Raises:
            Refusal: they cannot be told.
        """
        return words.prompts(asked)

    def inputs(self, asked: Asked) -> Inputs:
        """What the generator is given to see."""
        return Inputs(references=pictures(asked))

    def wanted_format(self, asked: Asked) -> str | None:
        """`png`, `jpeg` or `webp`, if the request asks for one; None keeps the upstream's."""
        del asked
        return None

    def held_back(self, name: str, event: Any) -> bool:
        """True for an event of a stream that only shows a picture before it is finished.

        Args:
            name: of the event, if it has one.
            event: its data.
        """
        said = event.get("type") if isinstance(event, dict) else None
        return any(str(each).endswith("partial_image") for each in (name, said))

    def without_previews(self, answer: Any) -> bool:
        """Take unfinished pictures out of an answer; True if there were any."""
        del answer
        return False

    def links(self, answer: Any) -> list[Link]:
        """Where the answer names pictures by address: here, by what looks like a picture's file.

        Args:
            answer: JSON, which may be altered.
        """
        return [link for link in every_link(answer) if _names_picture(link.url)]

    def shape(self, refusal: Refusal) -> dict[str, Any]:
        """A refusal as the clients of this API expect it."""
        return refusal.to_dict()


def pictures(asked: Asked) -> list[bytes]:
    """Every picture in a request, in order: files of a form, base64 in JSON, or the body.

    Raises:
        Refusal: there are too many.
    """
    try:
        found = containers.find([data for _, data in asked.files], texts=False, strict=False)
        inside = containers.find(asked.json, strict=False)
    except InputError as error:
        raise invalid(str(error)) from error
    return [bytes(each) for each in (*found.pictures, *inside.pictures)]


def usable(inputs: Inputs, limits: Limits) -> None:
    """Refuse pictures that could not be named as ingredients, before anything is generated.

    Raises:
        Refusal: 400.
    """
    for data in (*((inputs.edited,) if inputs.edited is not None else ()), *inputs.references):
        try:
            Picture.open(data, limits=limits)
        except InputError as error:
            raise invalid(f"a picture in the request cannot be used: {error}") from error


def every_link(value: Any, depth: int = 0) -> Iterator[Link]:
    """All texts in a tree that are an http or https address and nothing else."""
    if depth > _DEEPEST:
        return
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in entries:
        if isinstance(inner, str):
            url = inner.strip()  # browsers pass over white space around an address
            if url[:8].lower().startswith(("http://", "https://")):
                yield Link(value, key, url)
        else:
            yield from every_link(inner, depth + 1)


def _names_picture(url: str) -> bool:
    try:
        return _PICTURE_FILE.fullmatch(urlsplit(url).path) is not None
    except ValueError:
        return False
