"""`Shield`: whatever happens inside, a client gets an answer of ours, with safe headers."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance.errors import ProvenanceError
from provenance.server.errors import Refusal, refusal

LOG = logging.getLogger("provenance.server")

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Set on every answer that does not set them itself."""


class Shield:
    """ASGI middleware: bounds the query, turns exceptions into answers, sets security headers.

    Args:
        app: what it stands before.
        max_query: bytes of a query string.
    """

    def __init__(self, app: ASGIApp, max_query: int) -> None:
        self._app = app
        self._max_query = max_query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. Other traffic (lifespan, WebSocket) is left alone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if len(scope["query_string"]) > self._max_query:
                raise Refusal(  # noqa: TRY301 - one place makes all answers
                    414,
                    "query-too-long",
                    f"the query is longer than {self._max_query:,} bytes; use POST",
                )
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            answer = refusal(error)
            _tell(error, answer)
            if started:
                raise
            await reply(answer)(scope, receive, sending)


def reply(answer: Refusal) -> JSONResponse:
    """The one form that errors have."""
    return JSONResponse(answer.to_dict(), answer.status, answer.headers)


def _tell(error: Exception, answer: Refusal) -> None:
    """Log what is our fault. Neither the request nor anything from a picture is written."""
    if isinstance(error, Refusal) or answer.status < 500:
        return
    if isinstance(error, ProvenanceError):
        LOG.error("%s: %s", type(error).__name__, error)
    else:
        LOG.error("unexpected %s", type(error).__name__, exc_info=error)
