"""One request of a client to the upstream, and its answer back, with no way around the pipeline.

read -> understand and check the words -> ask the upstream -> tell what came -> protect -> send
"""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Send

from provenance.picture import Asset
from provenance.pipeline import Pipeline
from provenance.proxy import events, headers, kinds
from provenance.proxy.apis.interface import Api
from provenance.proxy.asked import Head
from provenance.proxy.limits import ProxyLimits
from provenance.proxy.protector import Seen
from provenance.proxy.refusals import of, too_late, unprotectable
from provenance.proxy.settle import Settler
from provenance.proxy.upstream import Answer, Origin, Upstream
from provenance.proxy.wishes import Wish, understood
from provenance.server import request as requests
from provenance.server.errors import invalid
from provenance.server.pool import Memory, Pool

_NO_BODY = frozenset({204, 304})
_LONGEST_HEADER = 4096
_AT_ONCE = 65536
"""Bytes that are looked at without a thread."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an exchange works with; the same for all."""

    pipeline: Pipeline
    upstream: Upstream
    settler: Settler
    checks: Pool
    memory: Memory
    limits: ProxyLimits


class Exchange:
    """One of them.

    Args:
        parts: what it works with.
        api: of the path.
        request: of the client.
        send: to the client.
        home: address below which results are served.

    Attributes:
        started: the answer has begun, so that no other can be sent.
        ended: it has ended, though with an error.
    """

    def __init__(self, parts: Parts, api: Api, request: Request, send: Send, home: str) -> None:
        self._parts = parts
        self._api = api
        self._request = request
        self._home = home
        self._seen = Seen()
        self._send = send
        self._take: Callable[[int], None]
        self.started = False
        self.ended = False

    async def run(self) -> None:
        """Do it all.

        Raises:
            ClientDisconnect: nobody waits any more; what was not begun is dropped.
            Refusal, ProvenanceError: nothing was sent yet, unless `started`.
        """
        limits = self._parts.limits
        with self._parts.memory.share() as take:
            self._take = take
            pieces = await requests.read(
                self._request, limits.max_request, limits.body_seconds, take
            )
            await _unless_gone(self._request.receive, self._answered(pieces))

    async def _answered(self, pieces: list[bytes]) -> None:
        request, parts = self._request, self._parts
        given = request.headers
        for name in ("content-type", "content-encoding"):
            if len(given.getlist(name)) > 1:
                raise invalid(f"{name} is there twice; send it once")
        head = Head(
            request.method,
            request.scope["path"],
            request.scope["query_string"],
            given.get("content-type", ""),
            given.get("content-encoding", ""),
        )
        wish = Wish(repeated=True)
        if pieces or head.query or head.method not in ("GET", "HEAD"):
            wish = await parts.checks.run(
                understood, parts.pipeline, self._api, parts.limits, head, pieces
            )
        asking = parts.upstream.ask(
            head.method, target_of(request), headers.to_upstream(request.headers.raw), pieces
        )
        async with asking as answer:
            await self._pass(head.method, answer, wish)

    async def _pass(self, method: str, answer: Answer, wish: Wish) -> None:
        said = headers.value(answer.headers, b"content-type")
        if answer.status == 206 or headers.value(answer.headers, b"content-range"):
            raise unprotectable("a part of something")
        kept = self._located(answer)
        if method == "HEAD" or answer.status in _NO_BODY:
            await self._start(answer.status, headers.replaced(kept))
            await self._body(b"")
            return
        pieces = answer.pieces()
        begun = await self._begun(said, pieces)
        kind, looked_as = kinds.kind_of(said, begun)
        rest = _again(begun, pieces)
        if kind is kinds.Kind.WHOLE:
            await self._whole(answer, kept, looked_as, rest, wish)
        elif kind is kinds.Kind.WATCHED:
            await self._watched(answer, kept, rest)
        else:
            await self._one_by_one(answer, kept, rest, wish, lines=kind is kinds.Kind.LINES)

    async def _begun(self, said: str, pieces: AsyncIterator[bytes]) -> bytes:
        """So much of the body that its kind can be told."""
        begun = b""
        async with self._in_time():
            async for piece in pieces:
                self._take(len(piece))
                begun += piece
                if kinds.decided(said, begun):
                    break
        return begun

    async def _whole(
        self,
        answer: Answer,
        kept: headers.Headers,
        looked_as: str,
        pieces: AsyncIterator[bytes],
        wish: Wish,
    ) -> None:
        """An answer that is read to its end before a byte of it leaves."""
        limits = self._parts.limits
        body = bytearray()
        answer.gather()
        async with self._in_time():
            async for piece in pieces:
                self._take(len(piece))
                body += piece
                if len(body) > limits.max_answer:
                    raise unprotectable(f"more than {limits.max_answer:,} bytes at once")
        settled = await self._parts.settler.settle(
            self._api, looked_as, bytes(body), wish, self._seen, self._home
        )
        if settled.body is None:
            sent, left = bytes(body), headers.untouched(kept, decoded=answer.decoded)
        else:
            sent, left = settled.body, headers.replaced(kept)
            if settled.content_type:
                left = [pair for pair in left if pair[0] != b"content-type"]
                left.append((b"content-type", settled.content_type.encode("latin-1")))
            left += told(settled.assets)
        left = [pair for pair in left if pair[0] != b"content-length"]
        left.append((b"content-length", str(len(sent)).encode()))
        await self._start(answer.status, left)
        await self._body(sent)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._parts.limits.answer_seconds):
                yield
        except TimeoutError as error:
            raise too_late("took too long") from error

    async def _watched(
        self, answer: Answer, kept: headers.Headers, pieces: AsyncIterator[bytes]
    ) -> None:
        """An answer that is no text and no picture: nothing leaves before it was looked at."""
        watch = kinds.Watch()
        async for piece in pieces:
            watch.look(piece)
            if not self.started:
                await self._start(answer.status, headers.untouched(kept, decoded=answer.decoded))
            await self._body(piece, more=True)
        if not self.started:
            await self._start(answer.status, headers.untouched(kept, decoded=answer.decoded))
        await self._body(b"")

    async def _one_by_one(
        self,
        answer: Answer,
        kept: headers.Headers,
        pieces: AsyncIterator[bytes],
        wish: Wish,
        *,
        lines: bool,
    ) -> None:
        """A stream of events; one that cannot leave ends it, with an event that says why."""
        left = [
            pair
            for pair in headers.untouched(kept, decoded=answer.decoded)
            if pair[0] not in (b"content-length", b"etag")
        ]
        await self._start(answer.status, left)
        fragments = events.Fragments()
        try:
            async for event in events.events(pieces, self._parts.limits.max_answer, lines=lines):
                raw = await self._event(event, fragments, wish)
                if raw:
                    await self._body(raw, more=True)
        except ClientDisconnect:
            raise
        except Exception as error:
            await self._body(events.error_event(self._api.shape(of(error)), lines=lines))
            self.ended = True
            raise
        await self._body(b"")

    async def _event(
        self, event: events.Event, fragments: events.Fragments, wish: Wish
    ) -> bytes | None:
        """What of an event leaves."""
        data = event.data
        if b"partial" in event.raw and await self._parts.checks.run(self._is_partial, event):
            return None
        fragments.look_beside(event)
        kind = "application/json" if data.lstrip()[:1] in (b"{", b"[", b'"') else "text/plain"
        settled = await self._parts.settler.settle(
            self._api, kind, data, wish, self._seen, self._home
        )
        if settled.body is not None:
            return event.with_data(settled.body)
        if len(data) > _AT_ONCE:
            await self._parts.checks.run(fragments.look, data)
        else:
            fragments.look(data)
        return event.raw

    def _is_partial(self, event: events.Event) -> bool:
        try:
            return self._api.held_back(event.name, json.loads(event.data))
        except (ValueError, RecursionError):
            return False

    def _located(self, answer: Answer) -> headers.Headers:
        """The headers, with a redirect that stays with the upstream made relative to us."""
        kept = []
        for name, value in answer.headers:
            if name in (b"location", b"content-location"):
                kept.append((name, self._here(value)))
            elif name != b"refresh":
                kept.append((name, value))
        return kept

    def _here(self, value: bytes) -> bytes:
        upstream = self._parts.upstream
        asked = upstream.url + target_of(self._request).decode("latin-1")
        try:
            where = urllib.parse.urljoin(asked, value.decode("ascii"))
            ours = Origin.of(where) == upstream.origin
        except ValueError:
            ours = False
        if not ours or not where.startswith(upstream.url):
            raise unprotectable("a redirect to somewhere else")
        here = where[len(upstream.url) :] or "/"
        if here[0] not in "/?#" or here[1:2] in ("/", "\\"):  # `//host` is another server
            raise unprotectable("a redirect to somewhere else")
        return here.encode("ascii")

    async def _start(self, status: int, pairs: headers.Headers) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _body(self, data: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


def target_of(request: Request) -> bytes:
    """Path and query as the client wrote them.

    Raises:
        Refusal: 400, the path means another one.
    """
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    plain = urllib.parse.unquote_to_bytes(urllib.parse.unquote_to_bytes(raw))
    parts = plain.replace(b"\\", b"/").split(b"/")
    if not raw.startswith(b"/") or b".." in parts or b"." in parts or b"\0" in plain:
        raise invalid("the path leads elsewhere; ask for it as it is")
    query: bytes = request.scope["query_string"]
    return raw + b"?" + query if query else raw


def told(assets: Sequence[Asset]) -> headers.Headers:
    """Headers that name what is in an answer, in the order of its pictures."""
    manifests = ", ".join(asset.manifest_id for asset in assets)
    marks = ", ".join(asset.watermark_id or "none" for asset in assets)
    if not manifests or len(manifests) > _LONGEST_HEADER:
        return []
    return [
        (b"provenance-manifest", manifests.encode("ascii")),
        (b"provenance-watermark", marks.encode("ascii")),
    ]


async def _again(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if begun:
        yield begun
    async for piece in rest:
        yield piece


async def _unless_gone(receive: Receive, work: Awaitable[None]) -> None:
    """Do the work, and drop it when the client is gone.

    Raises:
        ClientDisconnect: it is.
    """
    worker = asyncio.current_task()
    gone = False

    async def leaving() -> None:
        nonlocal gone
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await receive()
        gone = True
        if worker is not None:
            worker.cancel()

    watching = asyncio.create_task(leaving())
    try:
        await work
    except asyncio.CancelledError:
        if not gone or (worker is not None and worker.uncancel() > 0):
            raise  # by somebody else as well
        raise ClientDisconnect from None
    finally:
        watching.cancel()
