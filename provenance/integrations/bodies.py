"""The pictures in the body of an HTTP message, and the body with protected ones in their places.

What is found: pictures themselves, whatever the content type says; base64 and `data:` URLs in JSON
(also where it is called HTML or plain text), JSON lines and server-sent events; `data:` URLs in
HTML, SVG, XML, Markdown and plain text; all of these in the parts of a multipart body. Base64 among
the words of JSON is refused. A body without a picture is never written anew. Drawings (SVG), style
sheets, scripts, video, PDF, archives and numbers are not looked into.

Synchronous: run it in threads. For a body that never ends there is `provenance.integrations.asgi`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provenance._inputs import NOTHING, Inputs
from provenance.errors import TooLarge, UnsupportedPicture
from provenance.integrations._documents import in_events, in_json, in_lines, in_text
from provenance.integrations._found import Assets, Body, Found
from provenance.integrations._multipart import in_parts
from provenance.integrations._starts import ENOUGH, begins_picture

if TYPE_CHECKING:
    from provenance.picture import Encoding
    from provenance.pipeline import Pipeline

__all__ = ["Found", "Kind", "kind_of", "pictures_in", "protected"]

_MOST = 256
"""Pictures in one body; whoever sends more wants to keep us busy."""

_PARTS = 3
"""Levels of multipart in multipart."""

_LINES = frozenset(
    {
        "application/json-lines",
        "application/json-seq",
        "application/jsonl",
        "application/jsonlines",
        "application/ndjson",
        "application/stream+json",
        "application/x-json-stream",
        "application/x-jsonlines",
        "application/x-ndjson",
        "text/jsonl",
    }
)
_SITE = frozenset({"text/css", "text/javascript", "text/ecmascript", "text/calendar", "text/vcard"})
_TEXTS = frozenset({"", "application/xhtml+xml", "application/xml", "image/svg+xml"})


class Kind(enum.Enum):
    """How a body is looked through."""

    PICTURE = "a picture"
    JSON = "one JSON document"
    LINES = "JSON documents, one a line"
    EVENTS = "server-sent events"
    PARTS = "multipart"
    TEXT = "text with data URLs"
    OTHER = "anything else"


def kind_of(content_type: str) -> Kind:
    """How a body that is said to be of this type is looked through."""
    essence = content_type.partition(";")[0].strip().lower()
    if essence in _LINES:
        return Kind.LINES
    if essence in ("application/json", "text/json", "application/x-json") or essence.endswith(
        "+json"
    ):
        return Kind.JSON
    if essence == "text/event-stream":
        return Kind.EVENTS
    if essence.startswith("multipart/"):
        return Kind.PARTS
    if essence in _TEXTS or (essence.startswith("text/") and essence not in _SITE):
        return Kind.TEXT
    return Kind.PICTURE if essence.startswith("image/") else Kind.OTHER


def pictures_in(content_type: str, body: bytes) -> Found | None:
    """The pictures in a whole body; None if it may leave as it is.

    Args:
        content_type: of the header, with its parameters; maybe empty, or a lie.
        body: all of it, with any `Content-Encoding` taken off.

    Raises:
        InputError: there is a picture that cannot be replaced where it stands, or too many.
    """
    found = _look(content_type, body, _PARTS)
    if found is not None and len(found.pictures) > _MOST:
        raise TooLarge(f"there are {len(found.pictures):,} pictures in one body; at most {_MOST}")
    return found


def protected(
    pipeline: Pipeline,
    found: Found,
    *,
    prompts: Sequence[str] = (),
    inputs: Inputs = NOTHING,
    encoding: Encoding | str | None = None,
) -> Body:
    """Content type and bytes of the body with every picture protected, or none of it.

    Pictures that are finished already stay as they are.

    Args:
        pipeline: protects them.
        found: what `pictures_in` gave.
        prompts: what the pictures were generated from.
        inputs: what the generator was given to see.
        encoding: how to write the pictures; each as it was by default.

    Raises:
        As `Pipeline.protect`.
    """
    new = [n for n, picture in enumerate(found.pictures) if not pipeline.issued(picture)]
    pictures = [found.pictures[n] for n in new]
    # Even with nothing new: the prompts are still to be checked.
    assets = pipeline.protect(pictures, prompts=prompts, inputs=inputs, encoding=encoding)
    places = dict(zip(new, assets, strict=True))
    return found.replaced([places.get(n) for n in range(len(found.pictures))])


def _look(content_type: str, body: bytes, parts: int) -> Found | None:
    kind = kind_of(content_type)
    if not body:
        return None
    if kind is Kind.PICTURE or begins_picture(body[:ENOUGH]):
        return Found((body,), lambda assets: _whole(content_type, body, assets))
    if kind is Kind.JSON:
        return in_json(content_type, body)
    if kind is Kind.LINES:
        return in_lines(content_type, body)
    if kind is Kind.EVENTS:
        return in_events(content_type, body)
    if kind is Kind.TEXT:
        return in_text(content_type, body)
    if kind is Kind.PARTS:
        if not parts:
            raise UnsupportedPicture(f"multipart bodies are nested deeper than {_PARTS} levels")
        return in_parts(content_type, body, lambda inner, part: _look(inner, part, parts - 1))
    return None


def _whole(content_type: str, body: bytes, assets: Assets) -> Body:
    asset = assets[0]
    return (content_type, body) if asset is None else (asset.media_type, asset.data)
