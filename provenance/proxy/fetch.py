"""Fetches the pictures that an answer names by address, without being led astray.

The address comes from the upstream, and what it is made of may come from a prompt: it must not
become a way into the network (CWE-918). Public addresses alone, over https, and every address that
the name resolves to must be one; the connection goes to the very address that was examined. The
upstream's own origin, and those that the operator names, are exempt: their addresses are trusted as
the upstream is. Redirects are followed a few times, each as strictly as the first address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import urllib.parse
from collections.abc import Callable, Iterable

import httpx

from provenance import __version__
from provenance.proxy.limits import ProxyLimits
from provenance.proxy.refusals import too_late, unavailable
from provenance.proxy.upstream import Origin
from provenance.verify.remote import Address, is_public

MAX_REDIRECTS = 3

_AWAY = "names a picture that cannot be fetched"


class Fetcher:
    """Gets the bytes behind an address.

    Args:
        trusted: origins that may lie anywhere.
        limits: on bytes and time.
        permitted: which addresses may be connected to; for tests.
        transport: for tests.
    """

    def __init__(
        self,
        trusted: Iterable[Origin],
        limits: ProxyLimits,
        permitted: Callable[[Address], bool] = is_public,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._trusted = frozenset(trusted)
        self._limits = limits
        self._permitted = permitted
        self._transport = transport or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_connections=64, max_keepalive_connections=0)
        )

    async def __call__(self, url: str) -> bytes:
        """The bytes behind `url`.

        Raises:
            Refusal: 502 or 504; it holds neither the address nor anything of the answer.
        """
        try:
            async with asyncio.timeout(self._limits.fetch_seconds):
                for _ in range(1 + MAX_REDIRECTS):
                    found = await self._get(url)
                    if isinstance(found, bytes):
                        return found
                    url = urllib.parse.urljoin(url, found)
        except TimeoutError as error:
            raise too_late("names a picture that took too long to fetch") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise unavailable(_AWAY) from error
        raise unavailable("names a picture behind too many redirects")

    async def close(self) -> None:
        """End all connections."""
        await self._transport.aclose()

    async def _get(self, url: str) -> bytes | str:
        """The body, or where a redirect leads."""
        request = await self._request(url)
        response = await self._transport.handle_async_request(request)
        try:
            if response.status_code in (301, 302, 303, 307, 308):
                return str(response.headers.get("location", ""))
            if response.status_code != 200:
                raise unavailable(_AWAY)
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise unavailable(_AWAY)
            pieces, size = [], 0
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > self._limits.max_picture:
                    raise unavailable("names a picture that is too large")
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            await response.aclose()

    async def _request(self, url: str) -> httpx.Request:
        """A request to an address that was examined.

        Raises:
            Refusal: it may not be asked.
            ValueError, OSError: it is no URL, or its name is not known.
        """
        origin = Origin.of(url)
        parts = urllib.parse.urlsplit(url)
        if "@" in parts.netloc or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
            raise unavailable(_AWAY)
        host = origin.host
        if origin not in self._trusted:
            if origin.scheme != "https":
                raise unavailable("names a picture at an address that is not https")
            host = await self._examined(origin)
        shown = f"[{host}]" if ":" in host else host
        named = f"[{origin.host}]" if ":" in origin.host else origin.host
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return httpx.Request(
            "GET",
            f"{origin.scheme}://{shown}:{origin.port}/",
            headers={
                "Host": named if parts.port is None else f"{named}:{parts.port}",
                "User-Agent": f"provenance-kit/{__version__}",
                "Accept": "image/*",
                "Accept-Encoding": "identity",
            },
            extensions={
                "target": target.encode(),
                "sni_hostname": origin.host,
                "timeout": httpx.Timeout(self._limits.fetch_seconds).as_dict(),
            },
        )

    async def _examined(self, origin: Origin) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for text in addresses:
            if not self._permitted(ipaddress.ip_address(text.partition("%")[0])):
                raise unavailable("names a picture in a private network")
        return addresses[0]
