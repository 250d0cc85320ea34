"""The generator behind the proxy: connections, patience that ends, no surprises.

Redirects are not followed, proxies of the environment are not asked, and bodies are never
decompressed here without a limit.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.parse
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import h11
import httpx

from provenance.errors import ConfigError
from provenance.proxy.headers import Headers, value
from provenance.proxy.limits import ProxyLimits
from provenance.proxy.refusals import unavailable, unprotectable
from provenance.proxy.wire import Wire, Wires


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

    def __init__(self, response: h11.Response, wire: Wire, seconds: float) -> None:
        self.status = response.status_code
        self.headers: Headers = list(response.headers)
        coding = value(self.headers, b"content-encoding").strip().lower()
        self.decoded = coding not in ("", "identity")
        if self.decoded and coding not in ("gzip", "x-gzip", "deflate"):
            raise unprotectable("a compressed body of a kind that is not read here")
        self._coding = coding
        self._wire = wire
        self._seconds = seconds

    def gather(self) -> None:
        """All of the body is wanted before anything is done with it."""
        self._wire.gathers = True

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, decompressed if need be, in pieces of at most a few hundred kilobytes.

        Raises:
            Refusal: the connection broke, it took too long, or the compression is damaged.
        """
        opened = _Opened(self._coding) if self.decoded else None
        async for piece in self._wire.pieces(self._seconds):
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
        limits: on patience.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, url: str, limits: ProxyLimits) -> None:
        self.url = checked(url, "--upstream")
        self.origin = Origin.of(self.url)
        parts = urllib.parse.urlsplit(self.url)
        self._base = parts.path.encode("ascii")
        self._host = parts.netloc.encode("ascii")
        self._limits = limits
        self._wires = Wires(
            self.origin.host,
            self.origin.port,
            _tls() if self.origin.scheme == "https" else None,
            limits.connect_seconds,
            limits.upstream_seconds,
        )

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
            Refusal: 502 or 504.
        """
        sent = [(b"host", self._host), *headers]
        if body or method in ("POST", "PUT", "PATCH"):
            sent.append((b"content-length", str(sum(map(len, body))).encode()))
        async with self._wires.ask(method, self._base + target, sent, body) as (response, wire):
            yield Answer(response, wire, self._limits.upstream_seconds)

    async def alive(self, path: bytes) -> bool:
        """Whether it answers at all, and does not say that it cannot."""
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                async with self.ask("GET", path, [(b"accept-encoding", b"identity")]) as answer:
                    return answer.status < 500
        except Exception:  # whatever it is, nobody should be sent there
            return False

    def close(self) -> None:
        """End all connections that are idle."""
        self._wires.close()


def _tls() -> ssl.SSLContext:
    """As for all that we fetch: certifi's authorities, whatever the environment says."""
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


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
