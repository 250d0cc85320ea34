"""HTTP/1.1 to one server, over connections that are kept for a while.

For answers of hundreds of kilobytes a general client costs more than all else that the proxy does:
it looks at each of its connections for every request, and wakes a task for every 64 KiB. Here what
the event loop has read goes through h11's state machine, which is strict, and to whoever waits.
"""

from __future__ import annotations

import asyncio
import ipaddress
import select
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import h11

from provenance.proxy.headers import Headers
from provenance.proxy.refusals import too_late, unavailable

MOST_HEAD = 64 * 1024
"""Bytes of an answer's status and headers, and of anything else that must be whole to be read."""

_AHEAD = 128 * 1024
"""Bytes that are received before anybody wants them; then the server has to wait."""

_AT_ONCE = 64 * 1024
"""Bytes of a request that are sent together with its head."""

_INTERIM = 16
"""Answers of the kind 1xx before the real one."""

_CRUMB = 1024
"""Bytes up to which small pieces of a body are joined, since each costs a hundred more."""

_KEPT_FOR = 2.0
"""Seconds that an idle connection is kept: less than servers do (uvicorn 5), so that none of them
closes one while we send on it."""

_BESIDE = 0.25
"""Seconds after which the next address of a name is tried beside the first (RFC 8305)."""

_BROKEN = "broke off, or does not speak HTTP"


class Wire(asyncio.Protocol):
    """One connection, which has one request under way at a time.

    Attributes:
        idle_since: when its last answer was complete.
        gathers: whoever waits wants all of the body, and is not woken for a part of it.
    """

    def __init__(self) -> None:
        self.idle_since = time.monotonic()
        self.gathers = False
        self._loop = asyncio.get_running_loop()
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
        self._transport: asyncio.Transport
        self._arrived: deque[h11.Event] = deque()
        self._ahead = 0
        self._interim = 0
        self._paused = False
        self._full = False
        self._gone = False
        self._waiting: asyncio.Future[None] | None = None

    # What asyncio tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is open."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """It is no more."""
        del exc
        self._gone = True
        self._wake()

    def pause_writing(self) -> None:
        """The server does not keep up."""
        self._full = True

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self._wake()

    def eof_received(self) -> None:
        """The server says no more, which may be how a body ends."""
        self._take(b"")

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._parser.their_state not in (h11.SEND_RESPONSE, h11.SEND_BODY):
            self.close()  # nothing was asked, or all is answered
            return
        try:
            self._parser.receive_data(data)
            while isinstance(event := self._parser.next_event(), h11.Event):
                self._keep(event)
                if isinstance(event, h11.EndOfMessage):
                    self.idle_since = time.monotonic()
                    break
                if self._interim > _INTERIM:
                    self.close()
                    break
        except h11.RemoteProtocolError:
            self.close()
        if self._ahead > _AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        partly = self._parser.their_state is h11.SEND_BODY and not self._gone
        if not (self.gathers and partly and not self._paused):
            self._wake()

    def _keep(self, event: h11.Event) -> None:
        last = self._arrived[-1] if self._arrived else None
        if isinstance(event, h11.Data):
            self._ahead += len(event.data)
            if isinstance(last, h11.Data) and len(last.data) + len(event.data) <= _CRUMB:
                self._arrived[-1] = h11.Data(data=last.data + event.data)
                return
        elif isinstance(event, h11.InformationalResponse):
            self._interim += 1
        self._arrived.append(event)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # What the proxy does

    @property
    def usable(self) -> bool:
        """Whether another request can be sent on it: nothing is under way, and nothing has come."""
        if self._gone or self._parser.our_state is not h11.IDLE or self._transport.is_closing():
            return False
        return not _readable(self._transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """End it at once, with whatever is under way."""
        self._gone = True
        self._transport.abort()

    def rest(self) -> None:
        """Make ready for another request, or close it."""
        done = self._parser.our_state is self._parser.their_state is h11.DONE
        if not done or self._gone or self._parser.trailing_data[0]:
            self.close()
            return
        self._parser.start_next_cycle()
        self._arrived.clear()
        self._ahead = self._interim = 0
        self.gathers = False
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    async def send(self, head: h11.Request, body: Sequence[bytes], seconds: float) -> None:
        """Send a request; an answer before the server has all of it ends that, one of 1xx not.

        Raises:
            Refusal: 502 or 504.
        """
        try:
            first = self._parser.send(head) or b""
            for piece in body:
                data = self._parser.send(h11.Data(data=piece)) or b""
                if first and len(data) <= _AT_ONCE:
                    data, first = first + data, b""
                for each in (first, data):
                    if each:
                        self._transport.write(each)
                first = b""
                until = self._loop.time() + seconds
                while self._full and self._unanswered and not self._gone:
                    await self._wait(until)
                if not self._unanswered or self._gone:
                    return
            self._transport.write(first + (self._parser.send(h11.EndOfMessage()) or b""))
        except h11.LocalProtocolError as error:
            raise unavailable(_BROKEN) from error

    async def answered(self, seconds: float) -> h11.Response:
        """Status and headers.

        Raises:
            Refusal: 502 or 504.
        """
        while isinstance(event := await self._next(seconds), h11.InformationalResponse):
            pass
        if not isinstance(event, h11.Response):
            raise unavailable(_BROKEN)
        return event

    async def pieces(self, seconds: float) -> AsyncIterator[bytes]:
        """The body as it comes, in pieces of at most 256 KiB.

        Raises:
            Refusal: 502 or 504.
        """
        while isinstance(event := await self._next(seconds), h11.Data):
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise unavailable(_BROKEN)

    @property
    def _unanswered(self) -> bool:
        return self._parser.their_state is h11.SEND_RESPONSE

    async def _next(self, seconds: float) -> h11.Event:
        until = self._loop.time() + seconds  # a head that comes in drops gets no more than that
        while not self._arrived:
            if self._gone:
                raise unavailable(_BROKEN)
            await self._wait(until)
        event = self._arrived.popleft()
        if isinstance(event, h11.Data):
            self._ahead -= len(event.data)
            if self._paused and self._ahead <= _AHEAD // 2:
                self._paused = False
                self._transport.resume_reading()
        return event

    async def _wait(self, until: float) -> None:
        """Until something happens, or until that time of the loop.

        Raises:
            Refusal: 504, nothing did.
        """
        self._waiting = self._loop.create_future()
        try:
            async with asyncio.timeout_at(until):
                await self._waiting
        except TimeoutError as error:
            raise too_late("took too long") from error
        finally:
            self._waiting = None


def _readable(descriptor: int) -> bool:
    """Whether something came that the event loop has not read yet, such as the end."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Wires:
    """Connections to one server: as many as there are requests, and idle ones for a while.

    Args:
        host: its name or address.
        port: where it listens.
        context: for TLS; None without.
        connect_seconds: for a connection.
        seconds: that it may be silent.
    """

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        connect_seconds: float,
        seconds: float,
    ) -> None:
        self._host = host
        self._port = port
        self._named = not _is_address(host)
        self._context = context
        self._connect_seconds = connect_seconds
        self._seconds = seconds
        self._idle: deque[Wire] = deque()

    @asynccontextmanager
    async def ask(
        self, method: str, target: bytes, headers: Headers, body: Sequence[bytes]
    ) -> AsyncIterator[tuple[h11.Response, Wire]]:
        """Send a request; the answer's body must be read from the connection inside the block.

        Args:
            method: of HTTP.
            target: path and query.
            headers: all of them, with those about length and host.
            body: in pieces.

        Raises:
            Refusal: 502 or 504.
        """
        wire = self._kept() or await self._connected()
        try:
            head = h11.Request(method=method, target=target, headers=headers)
            await wire.send(head, body, self._seconds)
            yield await wire.answered(self._seconds), wire
            wire.rest()
        except h11.LocalProtocolError as error:
            raise unavailable(_BROKEN) from error
        finally:
            if wire.usable:
                self._idle.append(wire)
            else:
                wire.close()

    def close(self) -> None:
        """End all connections that are idle."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> Wire | None:
        """The idle connection that was used last; old ones are closed."""
        oldest = time.monotonic() - _KEPT_FOR
        while self._idle and (self._idle[0].idle_since < oldest or not self._idle[0].usable):
            self._idle.popleft().close()
        while self._idle:
            wire = self._idle.pop()
            # Its answer may have been worked on for long before it came back here.
            if wire.idle_since >= oldest and wire.usable:
                return wire
            wire.close()
        return None

    async def _connected(self) -> Wire:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, wire = await loop.create_connection(
                    Wire,
                    self._host,
                    self._port,
                    ssl=self._context,
                    happy_eyeballs_delay=_BESIDE if self._named else None,
                )
        except (OSError, UnicodeError) as error:  # of TLS, of time, and of names that are none
            raise unavailable("cannot be reached") from error
        return wire
