"""Runs the service with uvicorn until it is told to end."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from provenance.errors import ConfigError
from provenance.server.loop import Listener, runner
from provenance.server.protocol import ImpatientProtocol
from provenance.server.settings import ServiceSettings
from provenance.server.telemetry import log_to

MAX_HEAD = 32 * 1024
"""Bytes of a request line and its headers; above, uvicorn answers 400 by itself."""

MAX_CONNECTIONS = 1024
"""At a time; above, uvicorn answers 503 by itself."""

_BACKLOG = 2048

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than clients keep theirs, who would now and
then send a request into a connection that is being closed otherwise."""

GRACE = 30
"""Seconds that running requests have to end after a signal."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    try:
        return _listening(host, port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"nothing can listen at {host} port {port} ({reason}); choose another --host or --port"
        ) from error


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # The protocol is named because asyncio sends small answers at once only where it is TCP.
    listener = Listener(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def server(app: ASGIApp, settings: ServiceSettings | None = None) -> uvicorn.Server:
    """An uvicorn with our limits: no access log, no trust in proxies, no version in answers.

    Raises:
        ConfigError: the TLS files of `settings` cannot be used.
    """
    config = _configured(app, settings or ServiceSettings())
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"the TLS certificate, key or client CA of [service] cannot be used ({error}); "
            "expected PEM files, the key without a passphrase"
        ) from error
    return uvicorn.Server(config)


def _configured(app: ASGIApp, settings: ServiceSettings) -> uvicorn.Config:
    def text(path: Path | None) -> str | None:
        return None if path is None else str(path)

    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=KEEP_ALIVE,
        h11_max_incomplete_event_size=MAX_HEAD,
        ssl_certfile=text(settings.tls_certificate),
        ssl_keyfile=text(settings.tls_key),
        ssl_keyfile_password="",  # else OpenSSL would ask at the terminal
        ssl_ca_certs=text(settings.tls_client_ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED if settings.tls_client_ca else ssl.CERT_NONE,
    )


def run(app: ASGIApp, listener: socket.socket, settings: ServiceSettings | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun, and return.

    Writes the log to standard error as `settings` say; without settings there is none.

    Raises:
        ConfigError: the TLS files of `settings` cannot be used.
    """
    serving = server(app, settings)
    if settings is not None:
        log_to(sys.stderr, settings.log)
    with _interrupting(), contextlib.suppress(KeyboardInterrupt), runner() as running:
        running.run(serving.serve(sockets=[listener]))


@contextlib.contextmanager
def _interrupting() -> Iterator[None]:
    """SIGTERM counts as Ctrl-C: uvicorn raises again, when it is done, what ended it."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
