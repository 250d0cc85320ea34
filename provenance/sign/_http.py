"""One HTTP request with a deadline for all of it: no redirects, no proxies, TLS verified.

The time-outs of `http.client` are for single reads, so that a server that sends a byte now and then
holds its client for ever; here a timer closes the connection. Only the look-up of the name is left
to the system's own limits.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field


class RequestFailed(Exception):
    """No answer, or one that cannot be used. The message never holds a header or a body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        status: HTTP status code.
        media_type: of the body, in lower case and without parameters.
        body: all of it.
    """

    status: int
    media_type: str
    body: bytes = field(repr=False)


def check_url(url: str, *, secret: bool) -> str:
    """Return the URL if a request may go there.

    Args:
        url: http or https, with a host, without user name, password and fragment.
        secret: the request holds one, so that http is for this machine alone.

    Raises:
        ValueError: it may not.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError("expected a URL such as https://signer.example.com/sign")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name or password; give a token instead")
    if secret and parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("the token would be sent in the clear; expected https")
    _ = parts.port  # raises for one out of range
    return url


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    limit: int,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send one POST request and read the whole answer.

    Args:
        url: checked by `check_url`.
        body: what to send.
        headers: beside the usual ones.
        timeout_s: for connecting, sending and reading together.
        limit: bytes of the answer's body.
        context: for another trust store than the system's; certificates are verified in any case.

    Raises:
        RequestFailed: no connection, a bad certificate, too slow, too large, or not HTTP.
    """
    parts = urllib.parse.urlsplit(url)
    deadline = time.monotonic() + timeout_s
    host, port = str(parts.hostname), parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        tls = context or ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    late = threading.Event()

    def stop() -> None:
        late.set()
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer: threading.Timer | None = None
    try:
        connection.connect()
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), stop)
        timer.daemon = True
        timer.start()
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        content = response.read(limit + 1)
        if late.is_set():  # what was read until then looks like an early end
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RequestFailed(_reason(error, late.is_set(), timeout_s)) from error
    finally:
        if timer is not None:
            timer.cancel()
        connection.close()
    if len(content) > limit:
        raise RequestFailed(f"its answer has more than {limit:,} bytes")
    kind = (response.getheader("Content-Type") or "").split(";")[0].strip().lower()
    return Answer(response.status, kind, content)


def _reason(error: Exception, late: bool, timeout_s: float) -> str:
    if late or isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, OSError):
        return f"the connection failed ({error.strerror or type(error).__name__})"
    return f"it does not speak HTTP ({type(error).__name__})"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
