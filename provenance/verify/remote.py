"""Fetches a manifest from the address that a file names, if the user asks for that.

The address comes from a hostile file, so this must not become a way into the user's own network:
https alone; every address that the name resolves to must be public, and the connection goes to the
very address that was examined; no redirects, no proxies, no cookies; a cap on bytes and a deadline.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING

from provenance._version import __version__

if TYPE_CHECKING:
    import ssl

MAX_BYTES = 16 << 20
"""Manifest stores with many thumbnails reach a few MiB."""

DEADLINE = 15.0
"""Seconds for resolving, connecting and reading together."""

_HEADERS = {"User-Agent": f"provenance-kit/{__version__}", "Accept-Encoding": "identity"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNICAST = ipaddress.ip_network("2000::/3")
"""What is given out of IPv6 (RFC 4291, section 2.4); the rest holds IPv4 in older disguises."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052), where a network has one."""
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""For protocols (RFC 6890); a cloud keeps the secrets of its machines at 192.0.0.192."""


class NotFetched(Exception):
    """The manifest was not had; the message says why, and holds nothing of the answer."""


def is_public(address: Address) -> bool:
    """True for addresses on the public Internet; IPv4 inside IPv6 is unwrapped first."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in _UNICAST:
            return False
    elif address in _PROTOCOLS:
        return False
    return address.is_global and not address.is_multicast


class ManifestFetcher:
    """Gets manifest stores by URL.

    Args:
        permitted: which addresses may be connected to; public ones alone by default.
        context: TLS settings; the system's trust store by default.
    """

    def __init__(
        self,
        permitted: Callable[[Address], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._permitted = permitted
        self._context = context

    def __call__(self, url: str) -> bytes:
        """The bytes behind `url`.

        Raises:
            NotFetched: the address is not allowed, or the server did not give the bytes in time.
        """
        from http.client import HTTPException

        parts = urllib.parse.urlsplit(url)
        try:
            host, port = parts.hostname, parts.port or 443
        except ValueError as error:
            raise NotFetched("the address is malformed") from error
        if parts.scheme != "https" or not host or "@" in parts.netloc:
            raise NotFetched("only https addresses are fetched")
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if not path.isascii() or not path.isprintable() or " " in path:
            raise NotFetched("the address is malformed")
        try:
            return self._get(host, port, path)
        except (OSError, HTTPException, ValueError) as error:
            raise NotFetched(f"the server did not answer ({type(error).__name__})") from error

    def _get(self, host: str, port: int, path: str) -> bytes:
        import http.client
        import ssl

        context = self._context or ssl.create_default_context()
        raw = socket.create_connection((self._resolved(host, port), port), timeout=DEADLINE)
        # A server that sends a byte now and then would outlast every single time-out.
        deadline = _Deadline(raw)
        with deadline, context.wrap_socket(raw, server_hostname=host) as secure:
            deadline.watch(secure)
            connection = http.client.HTTPSConnection(host, port)
            connection.sock = secure
            connection.request("GET", path, headers=_HEADERS)
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise NotFetched(f"the server answered {answer.status}")
            data = answer.read(MAX_BYTES + 1)
        if deadline.passed:
            raise NotFetched(f"the server took over {DEADLINE:g} seconds")
        if len(data) > MAX_BYTES:
            raise NotFetched(f"the answer has over {MAX_BYTES:,} bytes")
        return data

    def _resolved(self, host: str, port: int) -> str:
        """An address of the host, if all of them are permitted."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for text in addresses:
            if not self._permitted(ipaddress.ip_address(text.split("%", 1)[0])):
                raise NotFetched("the address leads into a private network")
        return addresses[0]


class _Deadline:
    """Shuts a socket when the time is over, whatever it is doing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._timer = threading.Timer(DEADLINE, self._pass)
        self.passed = False

    def watch(self, connection: socket.socket) -> None:
        """Watch another socket: the secure one takes the plain one's place."""
        self._connection = connection

    def _pass(self) -> None:
        self.passed = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
