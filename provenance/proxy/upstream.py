"""The generator behind the proxy: connections, patience that ends, no surprises.

Redirects are not followed, proxies of the environment are not asked, and bodies are never
decompressed here without a limit.
"""

from __future__ import annotations

import asyncio
import itertools
import urllib.parse
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import httpx

from provenance.errors import ConfigError
from provenance.proxy.headers import Headers, value
from provenance.proxy.limits import ProxyLimits
from provenance.proxy.refusals import too_late, unavailable, unprotectable
from provenance.server.errors import busy

_KEPT_FOR = 2.0
"""Seconds that an idle connection is kept: less than servers do (uvicorn 5), so that none of them
closes one while we send on it."""


_POOLS = 16
"""Pools of connections, taken in turn: one looks at all of its connections whenever a request
begins or ends, which for hundreds of them held the event loop up."""


class Origin(NamedTuple):
    """Scheme, host and port of a URL, by which servers are told apart."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an http or https URL.

        Raises:
            ValueError: it is none.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as http://localhost:8000")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname.rstrip("."), port)


def checked(url: str, option: str) -> str:
    """The URL of a server, without a slash at its end.

    Raises:
        ConfigError: it is none.
    """
    try:
        Origin.of(url)
        parts = urllib.parse.urlsplit(url)
        wrong = "@" in parts.netloc or bool(parts.query or parts.fragment) or not url.isascii()
        wrong = wrong or any(c <= " " or c == "\x7f" for c in url)
    except ValueError:
        wrong = True
    if wrong:
        raise ConfigError(
            f"{option} is {url!r}; expected http:// or https://, a host, and at most a path"
        )
    return url.rstrip("/")


class Answer:
    """What the upstream says: status and headers are here, the body is on its way.

    Attributes:
        status: of HTTP.
        headers: as they came.
        decoded: the body was compressed although we asked for it not to be.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Headers = [(n.lower(), v) for n, v in response.headers.raw]
        coding = value(self.headers, b"content-encoding").strip().lower()
        self.decoded = coding not in ("", "identity")
        if self.decoded and coding not in ("gzip", "x-gzip", "deflate"):
            raise unprotectable("a compressed body of a kind that is not read here")
        self._coding = coding
        self._response = response

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, decompressed if need be, in pieces of at most a few hundred kilobytes.

        Raises:
            Refusal: the connection broke, it took too long, or the compression is damaged.
        """
        opened = _Opened(self._coding) if self.decoded else None
        with _translated():
            raw = self._response.aiter_raw()  # a size would hold events back until so much is there
            async for piece in raw:
                if opened is None:
                    yield piece
                    continue
                for plain in opened.feed(piece):
                    yield plain
                    await asyncio.sleep(0)
        if opened is not None and not opened.complete:
            raise unavailable("broke off in the middle")


class Upstream:
    """Sends requests on.

    Args:
        url: of the generator; a path in it comes before every path that is asked for.
        limits: on connections and patience.
        transport: for tests.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(
        self, url: str, limits: ProxyLimits, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.url = checked(url, "--upstream")
        self.origin = Origin.of(self.url)
        self._base = urllib.parse.urlsplit(self.url).path
        self._root = self.url.removesuffix(self._base) + "/"
        self._patience = httpx.Timeout(
            limits.upstream_seconds, connect=limits.connect_seconds
        ).as_dict()
        self._limits = limits
        # The bare transport: a client would follow, remember cookies, and tidy what is sent.
        self._transports = [transport] if transport else [_transport(limits) for _ in range(_POOLS)]
        self._turn = itertools.cycle(self._transports)

    @asynccontextmanager
    async def ask(
        self, method: str, target: bytes, headers: Headers, body: Sequence[bytes] = ()
    ) -> AsyncIterator[Answer]:
        """Send a request; the answer's body must be read inside the block.

        Args:
            method: of HTTP.
            target: path and query as the client wrote them.
            headers: for the upstream; those about length and host are added.
            body: in pieces.

        Raises:
            Refusal: 502, 503 or 504.
        """
        sent = list(headers)
        if body or method in ("POST", "PUT", "PATCH"):
            sent.append((b"content-length", str(sum(map(len, body))).encode()))
        request = httpx.Request(
            method,
            self._root,
            headers=sent,
            content=_stream(body) if body else None,
            extensions={"timeout": self._patience, "target": self._base.encode() + target},
        )
        with _translated():
            response = await next(self._turn).handle_async_request(request)
        try:
            yield Answer(response)
        finally:
            await response.aclose()

    async def alive(self, path: bytes) -> bool:
        """Whether it answers at all, and does not say that it cannot."""
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                async with self.ask("GET", path, [(b"accept-encoding", b"identity")]) as answer:
                    return answer.status < 500
        except Exception:  # whatever it is, nobody should be sent there
            return False

    async def close(self) -> None:
        """End all connections."""
        for transport in self._transports:
            await transport.aclose()


def _transport(limits: ProxyLimits) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(
        trust_env=False,
        limits=httpx.Limits(
            max_connections=limits.requests,
            max_keepalive_connections=limits.requests,
            keepalive_expiry=_KEPT_FOR,
        ),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what httpx raises into refusals."""
    try:
        yield
    except httpx.PoolTimeout as error:
        raise busy() from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise unavailable("cannot be reached") from error
    except httpx.TimeoutException as error:
        raise too_late("took too long") from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise unavailable("broke off, or does not speak HTTP") from error


class _Opened:
    """Decompresses piece by piece; whoever counts the pieces decides how much is too much."""

    def __init__(self, coding: str) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | (0 if coding == "deflate" else 16))
        self._begun = False

    @property
    def complete(self) -> bool:
        return self._inflate.eof or not self._begun

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What the piece holds, at most 256 KiB at a time."""
        self._begun = True
        while piece:
            try:
                plain = self._inflate.decompress(piece, 1 << 18)
            except zlib.error as error:
                raise unprotectable("a damaged compressed body") from error
            if self._inflate.eof and self._inflate.unused_data:
                raise unprotectable("more than one compressed body in one")
            piece = self._inflate.unconsumed_tail
            if plain:
                yield plain


async def _stream(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
