"""Files of web servers, by ranges, and their folders by index pages.

Ours and not fsspec's, which takes as much as a server sends, follows a redirect wherever it leads,
and cannot go back in what a server gives only whole. Here the connection goes to the very address
that was examined: that of a host which the user named may lie anywhere, others must be public, and
each redirect is as strict as the first address. No proxies, no cookies, no packed answers.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import http.client
import io
import ipaddress
import math
import re
import socket
import ssl
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from html.parser import HTMLParser
from typing import IO, BinaryIO, TypeVar, cast

from provenance._version import __version__
from provenance.audit.sources import network
from provenance.audit.sources.ranged import BLOCK, Ranged, Unreachable
from provenance.verify.remote import is_public

REDIRECTS = 5
PATIENCE = 30.0
"""Seconds that a server may be silent."""
DEADLINE = 60.0
"""Seconds for one answer, and for each `SLOWEST` bytes of it a second more."""
SLOWEST = 1 << 16
LONGEST = 600.0
"""Seconds for all parts of a file that a table names, and for each `SLOWEST` bytes a second more:
a picture can be made so that each of its parts is asked for by itself."""
MOST = 256 << 20
"""Bytes of a file that the server gives only whole."""
PAGE = 32 << 20
"""Bytes of an index page."""
DEPTH, PAGES = 16, 100_000
"""Folders in one another, which may be loops, and in all."""

_IN_MEMORY = 8 << 20
_LEFT = 4096
"""Bytes of an answer that are read only to use its connection again."""
_TRIED = 4
"""Addresses of a host that are tried."""
T = TypeVar("T")

_MOVED = frozenset({301, 302, 303, 307, 308})
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_SAFE = "/%:@!$&'()*+,;=~-._[]"


def opened(url: str, *, foreign: bool) -> BinaryIO:
    """The file behind an address.

    Args:
        url: of http or https.
        foreign: somebody else named it, such as a table; its host must be public.

    Raises:
        OSError: it cannot be had.
    """
    return _twice(partial(_opened, url, foreign))


def _opened(url: str, foreign: bool) -> BinaryIO:
    with _answer(url, foreign, (0, BLOCK)) as answer:
        if answer.status == 416:
            return io.BytesIO()  # there is no first byte
        _good(answer)
        if answer.status == 200:
            return _whole(answer)
        end, total = _range(answer, 0)
        if total is not None:
            begun = _body(answer, min(end, total, BLOCK))
            seconds = LONGEST + min(total, MOST) / SLOWEST if foreign else math.inf
            fetch = partial(_ranged, url, foreign, total, time.monotonic() + seconds)
            return cast("BinaryIO", Ranged(fetch, total, begun))
    with _answer(url, foreign) as answer:  # a range of nobody knows what
        _good(answer)
        return _whole(answer)


def is_page(url: str) -> bool:
    """Whether a page is there, which stands for a folder.

    Raises:
        OSError: it cannot be asked.
    """
    with _answer(url, foreign=False, asked=(0, 1)) as answer:
        if answer.status == 404:
            return False
        if answer.status != 416:
            _good(answer)
        return str(answer.headers.get_content_type()) == "text/html"


def is_file(url: str) -> bool:
    """Whether anything but a page is there.

    Raises:
        OSError: it cannot be asked.
    """
    with _answer(url, foreign=False, asked=(0, 1)) as answer:
        return answer.status in (200, 206, 416)


def files(url: str) -> Iterator[tuple[str, int]]:
    """Names below an index page, sorted folder by folder; what they weigh is not known.

    Raises:
        OSError: a page cannot be had.
    """
    stack, pages = [""], 0
    while stack:
        folder = stack.pop()
        pages += 1
        if pages > PAGES or folder.count("/") > DEPTH:
            raise OSError(f"over {PAGES:,} folders, or over {DEPTH} in one another: perhaps a loop")
        names = _listed(f"{url.rstrip('/')}/{folder}")
        yield from ((folder + name, 0) for name in names if not name.endswith("/"))
        stack += [folder + name for name in reversed(names) if name.endswith("/")]


def _listed(url: str) -> list[str]:
    with _answer(url, foreign=False) as answer:
        _good(answer)
        text = answer.read(PAGE + 1)
        base = answer.url
    if len(text) > PAGE:
        raise OSError(f"its index page has over {PAGE:,} bytes")
    links = _Links()
    links.feed(text.decode("utf-8", "replace"))
    links.close()
    base = base if base.endswith("/") else f"{base}/"
    return sorted({name for link in links.found if (name := _below(base, link))})


def _below(base: str, link: str) -> str:
    """The name of a file or folder right below a page; empty for every other link."""
    try:
        full = urllib.parse.urldefrag(urllib.parse.urljoin(base, link.strip())).url
    except ValueError:
        return ""
    name = full.removeprefix(base)
    if name == full or "?" in name or "/" in name[:-1] or name in ("/", ".", ".."):
        return ""
    return urllib.parse.quote(name, safe=_SAFE)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _ranged(url: str, foreign: bool, size: int, until: float, start: int, stop: int) -> bytes:
    if time.monotonic() > until:
        raise OSError("the server was too slow")
    return _twice(partial(_part, url, foreign, size, start, stop))


def _part(url: str, foreign: bool, size: int, start: int, stop: int) -> bytes:
    with _answer(url, foreign, (start, stop)) as answer:
        _good(answer)
        if answer.status != 206:
            raise OSError("the server gives parts of it no more")
        end, total = _range(answer, start)
        if total not in (None, size):
            raise OSError("it was changed while it was read")
        return _body(answer, min(end, stop) - start)


def _twice(ask: Callable[[], T]) -> T:
    """Ask, and once more if the connection breaks: the file may be whole."""
    try:
        return ask()
    except _Broken:
        return ask()


def _whole(answer: _Answer) -> BinaryIO:
    """All of it, in memory or in a file without a name."""
    length = answer.length
    if length is not None and length > MOST:
        raise OSError(
            f"the server gives no parts of files, and this one has {length:,} bytes; download it"
        )
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
        read = 0
        while data := answer.read(1 << 20):
            read += len(data)
            if read > MOST:
                raise OSError(
                    f"the server gives no parts of files, and this one has over {MOST:,} bytes; "
                    "download it"
                )
            file.write(data)
        if length is not None and read < length:
            raise _Broken(f"the server broke off after {read:,} of {length:,} bytes")
        file.seek(0)
        stack.pop_all()
    return cast("BinaryIO", file)


def _body(answer: _Answer, wanted: int) -> bytes:
    data = answer.read(wanted)
    if len(data) < wanted:
        raise _Broken(f"the server broke off after {len(data):,} of {wanted:,} bytes")
    return data


def _range(answer: _Answer, start: int) -> tuple[int, int | None]:
    """Where the part ends that is given, and how long the file is, if the server says."""
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != start or int(found[2]) < start:
        raise OSError("the server gave another part of it than was asked for")
    return int(found[2]) + 1, None if found[3] == "*" else int(found[3])


def _good(answer: _Answer) -> None:
    """Raise for an answer that is no file."""
    if answer.status == 429 or answer.status >= 500:
        raise (OSError if answer.foreign else Unreachable)(f"the server answered {answer.status}")
    if answer.status not in (200, 206):
        raise OSError(f"the server answered {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise OSError("the server packed its answer, unasked")


class _Broken(OSError):
    """The connection ended early."""


@dataclass(slots=True)
class _Answer:
    """What a server said in the end, and from where."""

    url: str
    foreign: bool
    response: http.client.HTTPResponse
    watch: _Watch

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> http.client.HTTPMessage:
        return self.response.headers

    @property
    def length(self) -> int | None:
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def read(self, most: int) -> bytes:
        """Up to `most` bytes; fewer at the end alone.

        Raises:
            OSError: the connection broke, or was too slow.
        """
        try:
            data = self.response.read(most)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self.watch.passed or isinstance(error, TimeoutError):
                raise OSError("the server was too slow") from error
            raise _Broken(f"the server broke off ({type(error).__name__})") from error
        if self.watch.passed:
            raise OSError("the server was too slow")
        return data


@contextlib.contextmanager
def _answer(url: str, foreign: bool, asked: tuple[int, int] | None = None) -> Iterator[_Answer]:
    """The answer to a request for a file, or a part of it, where redirects lead in the end."""
    named = _parts(url).hostname
    wanted = asked[1] - asked[0] if asked else MOST
    for _ in range(1 + REDIRECTS):
        parts = _parts(url)
        trusted = not foreign and parts.hostname == named
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "User-Agent": f"provenance-kit/{__version__}",
            "Accept-Encoding": "identity",
        }
        if asked:
            headers["Range"] = f"bytes={asked[0]}-{asked[1] - 1}"
        if trusted and parts.username is not None:
            pair = f"{parts.username}:{parts.password or ''}"
            pair = urllib.parse.unquote(pair)
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        with _Watch(DEADLINE + wanted / SLOWEST) as watch:
            try:
                connection, response = _requested(parts, headers, watch, trusted)
            except _Forbidden:
                raise
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = f"the server did not answer ({type(error).__name__})"
                raise (OSError if foreign else Unreachable)(problem) from error
            try:
                if response.status not in _MOVED:
                    yield _Answer(url, foreign, response, watch)
                    return
                there = _joined(url, response.headers.get("Location", ""))
            finally:
                _CONNECTIONS.put(connection, response, parts, trusted)
        if parts.scheme == "https" and not there.lower().startswith("https:"):
            raise OSError("the server leads from https to an address that is not")
        url = there
    raise OSError("the server leads from one address to the next")


def _parts(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
        if parts.scheme.lower() in ("http", "https") and parts.hostname:
            user, at, host = parts.netloc.rpartition("@")
            return parts._replace(
                netloc=user + at + host.encode("idna").decode(),
                path=urllib.parse.quote(parts.path or "/", safe=_SAFE),
                query=urllib.parse.quote(parts.query, safe=_SAFE + "?"),
            )
    except (ValueError, UnicodeError):
        pass
    raise OSError("the address is malformed")


def _joined(url: str, location: str) -> str:
    try:
        return urllib.parse.urljoin(url, location)
    except ValueError as error:
        raise OSError("the server leads to a malformed address") from error


def _requested(
    parts: urllib.parse.SplitResult, headers: dict[str, str], watch: _Watch, trusted: bool
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    kept = _CONNECTIONS.take(parts, trusted)
    if kept is not None:  # it may have been closed at the other end
        with contextlib.suppress(OSError, http.client.HTTPException):
            return _sent(kept, target, headers, watch)
    return _sent(_connected(parts, trusted, watch), target, headers, watch)


def _sent(
    connection: http.client.HTTPConnection, target: str, headers: dict[str, str], watch: _Watch
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    try:
        watch.over(connection.sock)
        connection.request("GET", target, headers=headers)
        return connection, connection.getresponse()
    except BaseException:
        connection.close()
        raise


def _connected(
    parts: urllib.parse.SplitResult, trusted: bool, watch: _Watch
) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not trusted and not network.private_allowed():
        for text in addresses:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise _Forbidden(network.PRIVATE)
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0  # never by the name again
    raw = _first(addresses[:_TRIED], port)
    watch.over(raw)
    if parts.scheme == "https":
        with contextlib.ExitStack() as stack:
            stack.callback(raw.close)
            secure = _tls().wrap_socket(raw, server_hostname=host)
            stack.pop_all()
        raw = secure
    connection.sock = raw
    return connection


def _first(addresses: list[str], port: int) -> socket.socket:
    """A connection to the first address that takes one."""
    for text in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((text, port), PATIENCE)
    return socket.create_connection((addresses[-1], port), PATIENCE)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Forbidden(OSError):
    """The address is in a private network."""


class _Connections:
    """The last connection of this process, for the next request to the same server."""

    def __init__(self) -> None:
        self._key: tuple[str, str, bool] | None = None
        self._kept: http.client.HTTPConnection | None = None

    def take(
        self, parts: urllib.parse.SplitResult, trusted: bool
    ) -> http.client.HTTPConnection | None:
        """The connection that is kept, if it leads there; any other is closed."""
        kept, self._kept = self._kept, None
        if kept is not None and self._key != _key(parts, trusted):
            kept.close()
            return None
        return kept

    def put(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        parts: urllib.parse.SplitResult,
        trusted: bool,
    ) -> None:
        """Keep a connection whose answer was read to its end."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            response.read(_LEFT)
        if response.isclosed() and connection.sock is not None:
            self.close()
            self._key, self._kept = _key(parts, trusted), connection
        else:
            response.close()
            connection.close()

    def close(self) -> None:
        """Keep none."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()


def _key(parts: urllib.parse.SplitResult, trusted: bool) -> tuple[str, str, bool]:
    return parts.scheme, parts.netloc, trusted


_CONNECTIONS = _Connections()
atexit.register(_CONNECTIONS.close)


class _Watch:
    """Ends a connection that takes too long in all, whatever it is doing."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self.passed = False

    def over(self, connection: socket.socket | None) -> None:
        """Watch this connection."""
        self._socket = connection

    def _pass(self) -> None:
        self.passed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
