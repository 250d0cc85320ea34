"""`ProtectImages`: ASGI middleware that lets no picture leave unprotected.

For FastAPI, Starlette, Litestar, Django, and whatever else speaks ASGI:

    app.add_middleware(ProtectImages, pipeline=Pipeline.from_config())     # FastAPI, Starlette
    application = ProtectImages(get_asgi_application(), pipeline)          # Django

Pictures in answers are moderated, marked, signed and read back, in threads; what holds no picture
keeps every byte and streams as before. See docs/middleware.md.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from provenance.integrations._web import headers, ranges
from provenance.integrations._web.asked import Asked, InputsOf, PromptsOf, prompts_of
from provenance.integrations._web.guard import (
    Given,
    Guard,
    Rules,
    bodiless,
    simple,
    unconditional,
)
from provenance.integrations._web.headers import Fields
from provenance.integrations._web.looking import Looking, Step
from provenance.integrations._web.refusals import Answer, ending, refuse, tell
from provenance.integrations.bodies import Kind, kind_of
from provenance.server.errors import too_large
from provenance.server.pool import Memory, Pool

if TYPE_CHECKING:
    from provenance.picture import Encoding
    from provenance.pipeline import Pipeline

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["Answer", "Asked", "ProtectImages", "prompts_of", "refuse"]

_AROUND_US = ("http.response.pathsend", "http.response.zerocopysend")
"""Extensions by which the server would send a file that we never see."""

_AT_ONCE = 32 * 1024
"""Bytes that are looked through in the event loop: a thread would take longer to be woken."""


class ProtectImages:
    """ASGI middleware: pictures in answers are protected, or they do not leave.

    Args:
        app: the application.
        pipeline: protects the pictures.
        include: patterns of paths whose answers are looked at, such as `/images/*`.
        exclude: patterns of paths that are left alone, such as `/static/*`.
        encoding: how to write pictures; each as it was by default.
        prompts_of: finds the prompts of a request, which are then moderated before the application
            sees it; by default what is called a prompt in JSON, forms and queries. None: nobody
            looks at prompts.
        inputs_of: finds the pictures that the generator was given; by default none.
        refuse: what a client is told; by default errors as OpenAI's API has them.
        most: bytes of a body that has to be held as a whole.
        cache: bytes of protected bodies that are kept, so that the same picture is not signed at
            each request; 0 keeps nothing.
        memory: bytes of bodies that are held at a time, for all requests.
        workers: pictures that are worked on at a time; one for each core by default.
        waiting: answers that may wait beside these.
        seconds: after which nobody waits for a picture any more.
    """

    def __init__(
        self,
        app: ASGIApp,
        pipeline: Pipeline,
        *,
        include: Sequence[str] = ("*",),
        exclude: Sequence[str] = (),
        encoding: Encoding | str | None = None,
        prompts_of: PromptsOf | None = prompts_of,
        inputs_of: InputsOf | None = None,
        refuse: Callable[[Exception], Answer] = refuse,
        most: int = 64 * 1024 * 1024,
        cache: int = 64 * 1024 * 1024,
        memory: int = 512 * 1024 * 1024,
        workers: int | None = None,
        waiting: int = 64,
        seconds: float = 120,
    ) -> None:
        rules = Rules(pipeline, include, exclude, encoding, prompts_of, inputs_of, most, cache)
        self.app = app
        self.guard = Guard(rules)
        self.refuse = refuse
        self.memory = Memory(memory)
        self.checks = Pool("provenance-look", 2, 1024, seconds)
        self.works = Pool("provenance-protect", workers or os.cpu_count() or 1, waiting, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and look at the answer. Other traffic is left alone."""
        if scope["type"] != "http" or not self.guard.covers(scope["path"]):
            await self.app(scope, receive, send)
            return
        with self.memory.share() as take:
            await _Exchange(self, scope, receive, send, take).run()

    def close(self) -> None:
        """End the threads, when what they do is done."""
        self.checks.close()
        self.works.close()


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        owner: ProtectImages,
        scope: Scope,
        receive: Receive,
        send: Send,
        take: Callable[[int], None],
    ) -> None:
        self.owner = owner
        self.guard = owner.guard
        self.scope = scope
        self.send = send
        self.take = take
        self.given = Given()
        self.asked = Asked(
            method=scope["method"].upper(),
            path=scope["path"],
            query=scope.get("query_string", b"").decode("latin-1"),
            fields=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]],
        )
        self._receive = receive
        self._read: list[Message] = []

    async def run(self) -> None:
        try:
            if not await self._checked():
                return  # the client went away
        except Exception as error:
            tell(error)
            for message in self.answer(self.owner.refuse(error)):
                await self.send(message)
            return
        fields = simple(self.asked.fields)
        condition = headers.get(fields, "if-none-match")
        if headers.get(fields, "range"):
            again = await self._may_ask_again()
            call = await _Call(self, unconditional(fields), give_up_on_other=again).run()
            if call.given_up:
                await _Call(self, fields).run()
        elif condition and ranges.all_ours(condition):
            ours = headers.without(fields, ["if-none-match", "if-modified-since"])
            await _Call(self, ours).run()
        else:
            conditional = condition or headers.get(fields, "if-modified-since")
            again = bool(conditional) and await self._may_ask_again()
            call = await _Call(self, fields, hold_unchanged=again).run()
            if call.unchanged:
                second = await _Call(
                    self, unconditional(fields), give_up_on_other=True, pictures=True
                ).run()
                if second.given_up:
                    await self.send(call.unchanged)
                    await self.send(_body(b"", last=True))

    async def _checked(self) -> bool:
        """Read what is wanted of the request, and check its prompts."""
        if self.guard.reads(self.asked):
            pieces: list[bytes] = []
            size, more = 0, True
            while more:
                message = await self._receive()
                if message["type"] != "http.request":
                    return False
                piece = message.get("body", b"")
                size += len(piece)
                if size > self.guard.rules.most:
                    raise too_large(f"the body is over {self.guard.rules.most:,} bytes")
                self.take(len(piece))
                pieces.append(piece)
                more = message.get("more_body", False)
            body = b"".join(pieces)
            self._read = [{"type": "http.request", "body": body, "more_body": False}]
            self.asked = dataclasses.replace(self.asked, body=body)
        rules = self.guard.rules
        asks = self.asked.body or self.asked.query or rules.prompts_of is not prompts_of
        if (rules.prompts_of and asks) or rules.inputs_of:
            self.given = await self.owner.checks.run(self.guard.given, self.asked)
        return True

    async def _may_ask_again(self) -> bool:
        """True for a GET without a body: it is safe to ask twice (RFC 9110, section 9.2.1)."""
        if self.asked.method != "GET":
            return False
        if not self._read:
            self._read = [await self._receive()]
        message = self._read[0]
        empty = not message.get("body") and not message.get("more_body")
        return message["type"] == "http.request" and empty

    def receiver(self) -> Receive:
        """What gives the request to one call of the application, from its beginning."""
        read = iter(self._read)

        async def receive() -> Message:
            message = next(read, None)
            return await self._receive() if message is None else message

        return receive

    def answer(self, answer: Answer) -> list[Message]:
        """The messages of an answer that is ours."""
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": _encoded(answer.sized()),
        }
        return [start, _body(b"" if self.asked.method == "HEAD" else answer.body, last=True)]


class _GivenUp(OSError):
    """Tells the application that nobody listens any more (ASGI: `send` raises OSError then)."""


class _Call:
    """One call of the application.

    Args:
        exchange: whose it is.
        fields: of the request.
        give_up_on_other: stop where the answer turns out to hold no picture.
        pictures: likewise where it is not a picture itself.
        hold_unchanged: keep the head of a 304 instead of sending it.

    Attributes:
        given_up: it was stopped, and nothing was sent.
        unchanged: the head of the 304.
    """

    def __init__(
        self,
        exchange: _Exchange,
        fields: Fields,
        *,
        give_up_on_other: bool = False,
        pictures: bool = False,
        hold_unchanged: bool = False,
    ) -> None:
        self.given_up = False
        self.unchanged: Message | None = None
        self._exchange = exchange
        self._fields = fields
        self._quiet = give_up_on_other
        self._pictures = pictures
        self._hold_unchanged = hold_unchanged
        self._start: Message = {}
        self._looking: Looking | None = None
        self._bodiless = self._passing = self._sent = self._stopped = False
        self._failure: Exception | None = None

    async def run(self) -> _Call:
        exchange = self._exchange
        scope = dict(exchange.scope)
        scope["headers"] = _encoded(self._fields)
        scope["extensions"] = {
            name: value
            for name, value in (exchange.scope.get("extensions") or {}).items()
            if name not in _AROUND_US
        }
        receive = exchange.receiver()

        async def receiving() -> Message:
            return {"type": "http.disconnect"} if self._stopped else await receive()

        try:
            await exchange.owner.app(scope, receiving, self._take)
        except Exception:
            if not self._stopped:
                raise
        finally:
            for name, value in scope.items():  # the route, for middleware around us
                exchange.scope.setdefault(name, value)
        if self._failure is not None:
            raise self._failure
        return self

    async def _take(self, message: Message) -> None:
        """What the application sends."""
        if self._stopped:
            raise _GivenUp
        kind = message["type"]
        if kind == "http.response.start":
            messages = self._begun(message)
            last = False
        elif kind == "http.response.body":
            last = not message.get("more_body", False)
            messages = await self._continued(message, last=last)
        else:
            # Trailers belong to the old bytes; hints come before there is an answer.
            wanted = self._passing if kind == "http.response.trailers" else not self._quiet
            messages, last = [message] if wanted else [], True
        for each in messages:
            await self._exchange.send(each)
        if self._stopped and not last:
            raise _GivenUp

    def _begun(self, message: Message) -> list[Message]:
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message.get("headers", ())]
        self._start = {**message, "headers": list(message.get("headers", ()))}
        self._bodiless = self._exchange.asked.method == "HEAD" or message["status"] in (204, 304)
        if self._bodiless:
            kind = kind_of(headers.get(fields, "content-type"))
            if self._exchange.asked.method == "HEAD":
                self._start["headers"] = _encoded(bodiless(fields, kind))
            return []
        try:
            self._looking = Looking(message["status"], fields, self._exchange.guard.rules.most)
        except Exception as error:
            return self._refused(error)
        return []

    async def _continued(self, message: Message, *, last: bool) -> list[Message]:
        if self._passing:
            return [message]
        if not self._start:
            raise RuntimeError("the application sent a body before its head")
        if self._bodiless:
            if not last:
                return []
            if self._hold_unchanged and self._start["status"] == 304:
                self.unchanged = self._start
                return []
            return [self._start, _body(b"", last=True)]
        try:
            return await self._looked(message.get("body", b""), last=last)
        except Exception as error:
            return self._refused(error)

    async def _looked(self, data: bytes, *, last: bool) -> list[Message]:
        """What leaves now that so much of the body is here."""
        looking, exchange = self._looking, self._exchange
        assert looking is not None  # noqa: S101 - `_begun` made it
        step, piece = looking.feed(data, last=last)
        if step in (Step.HOLD, Step.WHOLE):
            exchange.take(len(data))
        if step is Step.HOLD:
            return []
        if (step is Step.PASS and self._quiet) or (
            self._pictures and looking.kind is not Kind.PICTURE
        ):
            self.given_up = self._stopped = True
            return []
        if step is Step.PASS:
            self._passing = True
            return self._kept(looking, last=last)
        guard = exchange.guard
        if step is Step.WHOLE:
            small = looking.size <= _AT_ONCE and not looking.coding
            seen = (
                guard.look(looking)
                if small
                else await exchange.owner.checks.run(guard.look, looking)
            )
            if seen is None:
                self._passing = True
                return self._kept(looking, last=True)
            answer = await exchange.owner.works.run(
                guard.whole, exchange.asked, exchange.given, looking, seen
            )
            return exchange.answer(answer)
        return await self._pieces(looking, piece, last=last)

    def _kept(self, looking: Looking, *, last: bool) -> list[Message]:
        """What was held, as it came."""
        end = len(looking.chunks) - 1
        pieces = enumerate(looking.chunks)
        return [self._start, *(_body(piece, last=last and n == end) for n, piece in pieces)]

    async def _pieces(self, looking: Looking, piece: bytes, *, last: bool) -> list[Message]:
        guard, kind = self._exchange.guard, looking.content_type
        if piece:
            if len(piece) <= _AT_ONCE:
                seen = guard.look_at_piece(kind, piece)
            else:
                seen = await self._exchange.owner.checks.run(guard.look_at_piece, kind, piece)
            if seen is not None:
                works = self._exchange.owner.works
                _, piece = await works.run(guard.protected, self._exchange.given, seen)
        if not piece and not last:
            return []
        messages = [_body(piece, last=last)]
        if not self._sent:
            self._sent = True
            kept = headers.without(looking.fields, ["content-length"])
            messages.insert(0, {**self._start, "headers": _encoded(kept)})
        return messages

    def _refused(self, error: Exception) -> list[Message]:
        """What is sent in place of a picture; where the answer has begun, that it ends badly."""
        self._stopped = True
        if not self._sent:
            tell(error)
            return self._exchange.answer(self._exchange.owner.refuse(error))
        kind = self._looking.kind if self._looking else Kind.OTHER
        if kind not in (Kind.EVENTS, Kind.LINES):
            self._failure = error  # the server then breaks the connection off
            return []
        tell(error)
        return [_body(ending(kind, self._exchange.owner.refuse(error)), last=True)]


def _body(data: bytes, *, last: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": not last}


def _encoded(fields: Fields) -> list[tuple[bytes, bytes]]:
    """Fields as ASGI wants them: names in lower case."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]
