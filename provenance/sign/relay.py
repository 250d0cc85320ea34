"""Asks for a time-stamp with a deadline of our own, and checks it before c2pa sees it.

c2pa-rs asks the authority itself, waits 30 seconds for a silent one with nothing to set,
and accepts what it is given. So it is given the address of a relay on this machine, which lives for
one signature, takes one request under a random path, sends it on through our own client, and checks
the answer (`timestamp_token`) before it passes it back. c2pa-rs would connect to the relay through
the proxy of the environment, if one is set, so that 127.0.0.1 stands in NO_PROXY meanwhile.
"""

from __future__ import annotations

import http.server
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from provenance._per_process import PerProcess
from provenance.sign import _http, timestamp_token
from provenance.sign.timestamp import Timestamp

MAX_ANSWER = 64 * 1024
"""Tokens have 3 to 8 kB; c2pa-rs reserves 10 kB for them."""

MAX_REQUEST = 4096
_REQUEST = "application/timestamp-query"
_ANSWER = "application/timestamp-reply"


class Relay:
    """Between c2pa and the authority, for one signature.

    Attributes:
        url: what c2pa is told.
        time: the time in the answer that was passed on, or None.
        failure: why none was; empty until something failed.
    """

    def __init__(self, timestamp: Timestamp, url: str, path: str) -> None:
        self.url = url
        self.time: datetime | None = None
        self.failure = ""
        self._path = path
        self._timestamp = timestamp

    def answer(self, path: str, request: bytes) -> bytes | None:
        """The authority's answer, checked; None if there is none to pass on."""
        if not secrets.compare_digest(path.encode("latin-1", "replace"), self._path.encode()):
            return None  # somebody else on this machine
        try:
            answer = _http.post(
                self._timestamp.url,
                request,
                {"Content-Type": _REQUEST, "Accept": _ANSWER},
                timeout_s=self._timestamp.timeout_s,
                limit=MAX_ANSWER,
            )
            if answer.status != 200:
                raise _http.RequestFailed(f"it answered with HTTP status {answer.status}")  # noqa: TRY301
            self.time = timestamp_token.check(request, answer.body)
        except (_http.RequestFailed, timestamp_token.BadToken) as error:
            self.failure = str(error)
            return None
        except Exception as error:  # hostile answers find ways to fail that nobody listed
            self.failure = f"its answer could not be read ({type(error).__name__})"
            return None
        return answer.body

    def why_failed(self, error: str) -> str:
        """Why c2pa got no time-stamp, or nothing if something else went wrong."""
        if self.failure:
            return self.failure
        if self.time is not None:
            return f"the C2PA library refused the authority's answer ({error})"
        if "http resolver" in error:
            return (
                "the C2PA library did not reach our relay on 127.0.0.1; look for a firewall on "
                "this machine"
            )
        return ""


class _Unproxied:
    """Keeps 127.0.0.1 in NO_PROXY while any thread signs, and then leaves things as they were.

    c2pa-rs reads the environment itself, with its first request.
    """

    _NAMES = ("NO_PROXY", "no_proxy")
    _PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1 or not any(map(os.environ.get, self._PROXIES)):
                return
            self._before = {name: os.environ.get(name) for name in self._NAMES}
            hosts = next(filter(None, self._before.values()), "")
            for name in self._NAMES:  # programs differ on which of them they ask first
                os.environ[name] = f"{os.environ.get(name) or hosts},127.0.0.1".lstrip(",")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self._before = {}


_unproxied = PerProcess(_Unproxied)


@contextmanager
def relay(timestamp: Timestamp) -> Iterator[Relay]:
    """Listen on a free port of 127.0.0.1 while one picture is signed."""
    path = f"/{secrets.token_hex(16)}"

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = timestamp.timeout_s

        def do_POST(self) -> None:
            size = self.headers.get("Content-Length", "")
            if not size.isdecimal() or int(size) > MAX_REQUEST:
                self.send_error(413)
                return
            body = passing.answer(self.path, self.rfile.read(int(size)))
            if body is None:
                self.send_error(502)
                return
            self.send_response(200)
            self.send_header("Content-Type", _ANSWER)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    server = _Server(("127.0.0.1", 0), Handler)
    passing = Relay(timestamp, f"http://127.0.0.1:{server.server_address[1]}{path}", path)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with _unproxied():
            yield passing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    """One thread a connection: who connects and is silent must not hold up the signature."""

    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Without the reverse look-up of the standard library, which asks the network."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the signature fails by itself and says why."""
        del request, client_address
