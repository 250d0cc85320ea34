"""What an answer holds is settled whole: previews out, addresses fetched, pictures protected."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from provenance.errors import InputError
from provenance.integrations import _texts, bodies, containers
from provenance.integrations._starts import ENOUGH, begins_picture
from provenance.picture import Asset
from provenance.proxy.apis.interface import Api, Link
from provenance.proxy.asked import strict_json
from provenance.proxy.fetch import Fetcher
from provenance.proxy.protector import Protector, Seen
from provenance.proxy.refusals import answer_refused, unprotectable, unreadable
from provenance.proxy.store import Results
from provenance.proxy.wishes import Wish
from provenance.server.errors import Refusal
from provenance.server.pool import Pool
from provenance.verify.media import media_type

Delivery = Literal["served", "inline"]
"""How pictures that an answer names by address are handed out: at an address of ours, or as a
`data:` address."""

_LONGEST_NAME = 23
"""Letters of a member's name that are too few to be a picture."""

_TELLING = 64
"""Letters by which a text is looked for, before all of it is compared."""

_SMALL = 4096
"""Bytes that are looked through at once, since a thread would cost more."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A body that may leave.

    Attributes:
        content_type: None to keep the upstream's.
        body: None if it leaves as it came.
        assets: that are in it now.
    """

    content_type: str | None = None
    body: bytes | None = None
    assets: Sequence[Asset] = ()


@dataclass(frozen=True, slots=True)
class _Edited:
    """JSON after the API had its say.

    Attributes:
        body: as it came, or written anew.
        changed: it was written anew.
        document: parsed, if it is JSON that nobody can read differently.
        links: where it names pictures by address.
    """

    body: bytes
    changed: bool = False
    document: Any = None
    links: Sequence[Link] = ()


class Settler:
    """Makes bodies ready to leave.

    Args:
        protector: finishes pictures.
        fetcher: gets those that are named by address.
        results: keeps them.
        pool: threads for all that takes time.
        most_links: addresses in one body.
        delivery: of pictures that are named by address.
    """

    def __init__(
        self,
        protector: Protector,
        fetcher: Fetcher,
        results: Results,
        pool: Pool,
        most_links: int,
        delivery: Delivery,
    ) -> None:
        self._protector = protector
        self._fetcher = fetcher
        self._results = results
        self._pool = pool
        self._most_links = most_links
        self._delivery = delivery

    async def settle(
        self, api: Api, kind: str, body: bytes, wish: Wish, seen: Seen, home: str
    ) -> Settled:
        """Settle a body.

        Args:
            api: says where addresses and previews stand.
            kind: content type as which it is looked through.
            body: all of it.
            wish: of the request.
            seen: pictures of the same exchange.
            home: address below which results are served.

        Raises:
            Refusal: it may not leave.
            ProvenanceError: the pipeline refused.
        """
        if len(body) <= _SMALL and _is_plain(api, kind, body):
            return Settled()
        settled = await self._pool.run(self._at_once, api, kind, body, wish, seen)
        if isinstance(settled, Settled):
            return settled
        pictures = await self._fetched([link.url for link in settled.links])
        edited, assets = await self._pool.run(self._linked, settled, pictures, wish, seen, home)
        settled = await self._pool.run(self._replaced, kind, edited, wish, seen)
        return replace(settled, assets=_unique([*assets, *settled.assets]))

    def _at_once(
        self, api: Api, kind: str, body: bytes, wish: Wish, seen: Seen
    ) -> Settled | _Edited:
        """All of it in one go, unless addresses have to be fetched first; blocking."""
        edited = _edited(api, kind, body)
        return edited if edited.links else self._replaced(kind, edited, wish, seen)

    def _replaced(self, kind: str, edited: _Edited, wish: Wish, seen: Seen) -> Settled:
        """The body with assets where pictures were; blocking."""
        found = _found(kind, edited)
        if found is None:
            return Settled(body=edited.body if edited.changed else None)
        made = self._protector.finish(found.pictures, wish, seen)
        new_kind, body = found.replaced(made)
        return Settled(
            None if new_kind == kind else new_kind,
            body,
            _unique([asset for asset in made if asset is not None]),
        )

    async def _fetched(self, urls: Sequence[str]) -> dict[str, bytes]:
        wanted = dict.fromkeys(urls)
        if len(wanted) > self._most_links:
            raise unprotectable(f"the addresses of more than {self._most_links} pictures")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {url: group.create_task(self._fetcher(url)) for url in wanted}
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        pictures = {url: task.result() for url, task in tasks.items()}
        if not all(begins_picture(data[:ENOUGH]) for data in pictures.values()):
            raise unprotectable("an address behind which there is no picture")
        return pictures

    def _linked(
        self, edited: _Edited, pictures: dict[str, bytes], wish: Wish, seen: Seen, home: str
    ) -> tuple[_Edited, tuple[Asset, ...]]:
        """The document with addresses of finished pictures; blocking."""
        made = dict(
            zip(pictures, self._protector.finish([*pictures.values()], wish, seen), strict=True)
        )
        places = {
            url: self._address(pictures[url] if asset is None else asset.data, seen, home)
            for url, asset in made.items()
        }
        for link in edited.links:
            link.owner[link.key] = places[link.url]
        assets = tuple(asset for asset in made.values() if asset is not None)
        return _Edited(_json(edited.document), True, edited.document), assets

    def _address(self, data: bytes, seen: Seen, home: str) -> str:
        kind = media_type(data)
        if self._delivery == "served":
            return f"{home}/{self._results.put(data, kind)}"
        seen.is_finished(data)
        return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _is_plain(api: Api, kind: str, body: bytes) -> bool:
    """Whether a small body needs nothing done."""
    edited = _edited(api, kind, body)
    return not edited.links and not edited.changed and _found(kind, edited) is None


def _edited(api: Api, kind: str, body: bytes) -> _Edited:
    """Let the API look at JSON, if there can be anything for it."""
    if bodies.kind_of(kind) is not bodies.Kind.JSON or not body.strip():
        return _Edited(body)
    try:
        document = strict_json(body, unreadable)
    except Refusal:
        if b"http" in body.lower() or b"\\u00" in body:  # letters may be written as numbers
            raise
        return _Edited(body)  # pictures in it are found, and refused, all the same
    changed = api.without_previews(document)
    links = api.links(document)
    return _Edited(_json(document) if changed else body, changed, document, links)


def _found(kind: str, edited: _Edited) -> bodies.Found | None:
    """The pictures in a body.

    Raises:
        Refusal: 502, one cannot be replaced where it stands.
    """
    try:
        if edited.document is None or _is_intricate(edited):
            return bodies.pictures_in(kind, edited.body)
        found = containers.find(edited.document, strict=False)
    except InputError as error:
        raise answer_refused(f"cannot be protected: {error}") from error
    except RecursionError as error:
        raise unreadable("it is nested too deeply") from error
    if not found.pictures:
        return None
    pictures = tuple(bytes(picture) for picture in found.pictures)
    return bodies.Found(pictures, lambda assets: (kind, _written(edited, found, assets)))


def _written(edited: _Edited, found: containers.Found, assets: Sequence[Asset | None]) -> bytes:
    """The JSON with assets in the places of pictures, and all else as it was if that can be."""
    typed = any(text.startswith("image/") for text in _said(edited.document))
    if not typed:  # a media type may have to change with its picture
        spliced = _spliced(edited.body, found.places, assets)
        if spliced is not None:
            return spliced
    return _json(found.replaced(assets))


def _spliced(
    body: bytes, places: Sequence[containers.Place], assets: Sequence[Asset | None]
) -> bytes | None:
    """The same bytes with other texts in some places; None if a place cannot be told.

    The body is not intricate: each `"` in it begins or ends a text, no name is as long as a
    picture, and texts stand in the order in which they were found.
    """
    pieces, done = [], 0
    for place in places:
        old, new = place.value, place.filled(assets)
        if not isinstance(old, str) or len(old) <= _LONGEST_NAME or not old.isascii():
            return None
        if "\\" in old:  # written twice; as it is, it would be found in another text
            return None
        text = old.encode("ascii") + b'"'
        at = body.find(b'"' + text[:_TELLING], done)
        while at >= 0 and not body.startswith(text, at + 1):
            at = body.find(b'"' + text[:_TELLING], at + 1)
        if at < 0:  # written with escapes
            return None
        pieces += [body[done : at + 1], new.encode("ascii")]
        done = at + len(text)
    return b"".join([*pieces, body[done:]])


def _is_intricate(edited: _Edited) -> bool:
    """Whether pictures may stand in documents inside texts, among words, or in names."""
    body = edited.body
    # One byte is found twenty times as fast as two.
    quoted = b"\\" in body and (b'\\"' in body or b"\\u" in body)
    if quoted or any(len(name) > _LONGEST_NAME for name in _names(edited.document)):
        return True
    return any(_texts.hides(text) for text in _said(edited.document) if len(text) > _LONGEST_NAME)


def _names(value: Any) -> Iterator[str]:
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        yield from value
        inner = value.values()
    for each in inner:
        yield from _names(each)


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _said(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _said(inner)


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _unique(assets: Sequence[Asset]) -> tuple[Asset, ...]:
    return tuple({asset.manifest_id: asset for asset in assets}.values())
