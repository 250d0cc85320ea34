"""One GET request for a large file: https only, TLS verified, proxies honoured.

Plain http is for this machine alone, where tests and mirrors behind a tunnel live. A redirect
leads to https, or the request fails.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from provenance import __version__

TIMEOUT_S = 60.0
"""Seconds that a server may be silent."""

MAX_REDIRECTS = 5


class RequestFailed(Exception):
    """No answer that can be used. The message holds neither a header nor a password.

    Attributes:
        again: whether a second try may help.
        status: of the answer, if there was one.
    """

    def __init__(self, message: str, *, again: bool = False, status: int | None = None) -> None:
        self.again = again
        self.status = status
        super().__init__(message)


def get(url: str, headers: Mapping[str, str], context: ssl.SSLContext | None = None) -> Any:
    """Open a URL; the answer, of status 200 or 206, must be closed by the caller.

    Args:
        url: https, or http on this machine. User and password become an Authorization header
            that no other host gets.
        headers: beside the usual ones.
        context: for another trust store than the system's.

    Raises:
        RequestFailed: it cannot be asked for, or the answer is something else.
    """
    plain, secret = _split(url)
    request = urllib.request.Request(plain, headers={  # noqa: S310 - the scheme was checked
        "User-Agent": f"provenance-kit/{__version__}",
        "Accept-Encoding": "identity",
        **headers,
    })  # fmt: skip
    if secret:
        request.add_unredirected_header("Authorization", secret)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    try:
        answer = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        again = error.code in {408, 425, 429} or error.code >= 500
        raise RequestFailed(
            f"it answered {error.code}{_meaning(error.code)}", again=again, status=error.code
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RequestFailed(reason(error), again=True) from error
    if answer is None or answer.status not in {200, 206}:
        raise RequestFailed("it gave an answer that is not understood")
    if (answer.headers.get("Content-Encoding") or "identity").lower() != "identity":
        answer.close()
        raise RequestFailed("it compressed the file although it was asked not to")
    return answer


def check(url: str) -> str:
    """Return the URL if it may be asked for.

    Raises:
        RequestFailed: it may not.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # raises for one out of range
        host = parts.hostname or ""
    except ValueError as error:
        raise RequestFailed("that is no URL") from error
    if not host or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise RequestFailed("that is no URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise RequestFailed(f"{shown(url)} is not https, so that anybody on the way could read it")
    return url


def shown(url: str) -> str:
    """The URL without user, password and query, for messages."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "a URL that is none"
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.split("@")[-1], parts.path, "", ""))


def reason(error: BaseException) -> str:
    """Why there is no answer, in plain words."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return reason(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "its name is not known; is this machine connected?"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, urllib.error.URLError):
        return f"the connection failed ({error.reason})"
    if isinstance(error, OSError):
        return f"the connection failed ({error.strerror or error or type(error).__name__})"
    return f"it does not speak HTTP ({type(error).__name__})"


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = MAX_REDIRECTS
    max_repeats = 2

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme != "https":
            fp.close()
            raise RequestFailed(f"it redirects to {shown(newurl)}, which is not https")
        check(newurl)
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        secret = req.get_header("Authorization")
        if new is not None and secret and _place(newurl) == _place(req.full_url):
            new.add_unredirected_header("Authorization", secret)
        return new


def _split(url: str) -> tuple[str, str | None]:
    """The URL without user and password, and the header they become."""
    parts = urllib.parse.urlsplit(check(url))
    if "@" not in parts.netloc:
        return urllib.parse.urlunsplit(parts._replace(fragment="")), None
    user = urllib.parse.unquote(parts.username or "")
    word = urllib.parse.unquote(parts.password or "")
    secret = "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()
    bare = parts._replace(netloc=parts.netloc.split("@")[-1], fragment="")
    return urllib.parse.urlunsplit(bare), secret


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _meaning(status: int) -> str:
    known = {401: ": it wants a login", 403: ": it refuses access", 404: ": there is no such file",
             407: ": the proxy wants a password", 429: ": too many requests"}  # fmt: skip
    return known.get(status, "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
