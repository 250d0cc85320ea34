"""`Guard`: what an answer of the application becomes before it leaves. No I/O in here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provenance._inputs import NOTHING, Inputs
from provenance.integrations import bodies
from provenance.integrations._found import Body, Found
from provenance.integrations._web import coding, headers, ranges
from provenance.integrations._web.asked import Asked, InputsOf, PromptsOf, prompts_of
from provenance.integrations._web.cache import Cache
from provenance.integrations._web.headers import Fields
from provenance.integrations._web.looking import Looking
from provenance.integrations._web.refusals import Answer
from provenance.integrations.bodies import Kind

if TYPE_CHECKING:
    from provenance.picture import Encoding
    from provenance.pipeline import Pipeline

_CONDITIONS = ("if-none-match", "if-modified-since", "range", "if-range")
ALTERED = (*_CONDITIONS, "accept-encoding")
"""Fields of a request that the application may not see as they were sent."""

_OF_THE_OLD_BYTES = (
    "accept-ranges",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "digest",
    "etag",
    "repr-digest",
    "transfer-encoding",
)
"""Fields that say something of bytes which no longer are what is sent."""

_CONFUSING = re.compile(r"//|\\|/\.{1,2}(?:/|\Z)|%2e|%2f|%5c|\0", re.IGNORECASE)
"""In a path: it may mean another place to the application than to us."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of the request when the answer comes."""

    prompts: Sequence[str] = ()
    inputs: Inputs = NOTHING


@dataclass(frozen=True, slots=True)
class Seen:
    """Bytes that have been looked through.

    Attributes:
        content_type: as it was said.
        body: the bytes, decoded.
        found: the pictures in them.
        skip: bytes at the beginning that are not to be written.
    """

    content_type: str
    body: bytes = field(repr=False)
    found: Found
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of a middleware; see `ProtectImages`."""

    pipeline: Pipeline
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    encoding: Encoding | str | None = None
    prompts_of: PromptsOf | None = None
    inputs_of: InputsOf | None = None
    most: int = 64 * 1024 * 1024
    cache: int = 64 * 1024 * 1024


@dataclass(slots=True)
class Guard:
    """What both middlewares do alike. Thread-safe; its work belongs into threads."""

    rules: Rules
    _cache: Cache = field(init=False)

    def __post_init__(self) -> None:
        """Make the cache."""
        self._cache = Cache(self.rules.cache)

    def covers(self, path: str) -> bool:
        """Whether answers under this path are looked at; in doubt, they are."""
        included = any(fnmatchcase(path, pattern) for pattern in self.rules.include)
        excluded = any(fnmatchcase(path, pattern) for pattern in self.rules.exclude)
        confusing = _CONFUSING.search(path) is not None
        return (included or (confusing and bool(self.rules.include))) and (
            not excluded or confusing
        )

    def reads(self, asked: Asked) -> bool:
        """Whether the body of the request is wanted."""
        rules = self.rules
        if asked.method in ("GET", "HEAD") or not (rules.prompts_of or rules.inputs_of):
            return False
        # An upload is held only for hooks that know what to do with it.
        asks_for_all = rules.prompts_of not in (None, prompts_of) or rules.inputs_of is not None
        return asked.is_json or asked.is_form or (asks_for_all and asked.is_upload)

    def given(self, asked: Asked) -> Given:
        """Check the prompts of a request before the application sees it.

        Raises:
            Blocked: the policy refused one.
            Refusal, ProvenanceError: they cannot be found, or not be checked.
        """
        rules = self.rules
        prompts = tuple(rules.prompts_of(asked)) if rules.prompts_of else ()
        if prompts:
            prompts = rules.pipeline.check_prompts(prompts)
        return Given(prompts, rules.inputs_of(asked) if rules.inputs_of else NOTHING)

    def look(self, looking: Looking) -> Seen | None:
        """The pictures in an answer that is all here; None if it may leave as it is.

        Raises:
            InputError: there is one that cannot be replaced, or the body cannot be read.
        """
        body = coding.decoded(looking.coding, looking.raw, self.rules.most)
        return self.look_at(looking.content_type, body)

    def look_at_piece(self, content_type: str, data: bytes) -> Seen | None:
        """The pictures in a piece of a body that goes on; None if it may leave as it is.

        Raises:
            InputError: there is one that cannot be replaced.
        """
        # Only the beginning of a text can be base64 as a whole, and that is past.
        shield = b"<" if bodies.kind_of(content_type) is Kind.TEXT else b""
        return self.look_at(content_type, shield + data, len(shield))

    def look_at(self, content_type: str, body: bytes, skip: int = 0) -> Seen | None:
        """The pictures in these bytes, of which the first are not to be written."""
        found = bodies.pictures_in(content_type, body)
        return None if found is None else Seen(content_type, body, found, skip)

    def protected(self, given: Given, seen: Seen) -> Body:
        """Type and bytes with every picture protected; made once for the same bytes.

        Raises:
            Whatever `Pipeline.protect` raises.
        """
        rules = self.rules

        def make() -> Body:
            kind, new = bodies.protected(
                rules.pipeline,
                seen.found,
                prompts=given.prompts,
                inputs=given.inputs,
                encoding=rules.encoding,
            )
            return kind, new[seen.skip :]

        if given.prompts or given.inputs is not NOTHING:
            return make()
        said = f"{seen.skip} {seen.content_type}".encode("latin-1", "replace")
        return self._cache.get(hashlib.sha256(said + b"\0" + seen.body).digest(), make)

    def whole(self, asked: Asked, given: Given, looking: Looking, seen: Seen) -> Answer:
        """The answer in place of one that is all here.

        Raises:
            Whatever `Pipeline.protect` raises.
        """
        kind, new = self.protected(given, seen)
        picture = looking.kind is Kind.PICTURE
        dropped = [*_OF_THE_OLD_BYTES, *(("last-modified",) if picture else ())]
        fields = headers.with_field(headers.without(looking.fields, dropped), "Content-Type", kind)
        if asked.method != "GET" or looking.status != 200:
            return Answer(looking.status, fields, new)
        return _conditional(asked, [*fields, ("ETag", ranges.tag_of(new))], new, ranged=picture)


def simple(fields: Fields) -> Fields:
    """Fields of a request with which the application answers in a form that we can look into."""
    fields = [
        (name, coding.offered(value) if name.lower() == "accept-encoding" else value)
        for name, value in fields
    ]
    if "text/event-stream" in headers.get(fields, "accept").lower():
        fields = headers.without(fields, ["accept-encoding"])
    return fields


def unconditional(fields: Fields) -> Fields:
    """Fields of a request that asks for all of it, whatever the client has."""
    return headers.without(fields, _CONDITIONS)


def bodiless(fields: Fields, kind: Kind) -> Fields:
    """Fields of an answer to HEAD, without those that GET would not have (RFC 9110, 9.3.2)."""
    if kind is Kind.OTHER:
        return fields
    dropped = _OF_THE_OLD_BYTES if kind is Kind.PICTURE else ("content-length",)
    return headers.without(fields, dropped)


def _conditional(asked: Asked, fields: Fields, data: bytes, *, ranged: bool) -> Answer:
    """All of a picture, a part of it, or word that the client has it."""
    tag = headers.get(fields, "etag")
    if ranges.unchanged(headers.get(asked.fields, "if-none-match"), tag):
        return Answer(304, headers.without(fields, ["content-type"]), b"")
    if not ranged:
        return Answer(200, fields, data)
    fields = [*fields, ("Accept-Ranges", "bytes")]
    try:
        part = ranges.part(
            headers.get(asked.fields, "range"),
            headers.get(asked.fields, "if-range"),
            tag,
            len(data),
        )
    except ValueError:
        return Answer(416, [("Content-Range", f"bytes */{len(data)}")], b"")
    if part is None:
        return Answer(200, fields, data)
    start, end = part
    said = f"bytes {start}-{end - 1}/{len(data)}"
    return Answer(206, [*fields, ("Content-Range", said)], data[start:end])
