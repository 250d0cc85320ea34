"""What every server of ours has around its own application: `operated`.

request id, log, metrics, span  ->  CORS  ->  access keys  ->  the application
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance.picture import Asset
from provenance.server import access
from provenance.server.settings import ServiceSettings
from provenance.server.telemetry import REQUEST_ID, Metrics, tell
from provenance.server.traces import Traces

REQUEST_HEADER = b"x-request-id"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are counted together: a client may invent any number."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SHOWN = 200


class Operations:
    """Log, metrics and traces of one server. Give `protected` and `refused` to what makes pictures.

    Args:
        settings: what is wanted.
        traces: spans, instead of those that the settings ask for.

    Raises:
        ConfigError: traces are wanted and their packages are missing.
    """

    def __init__(self, settings: ServiceSettings, traces: Traces | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.traces = traces or (Traces() if settings.traces else None)

    def protected(self, asset: Asset) -> None:
        """A picture was finished."""
        self.metrics.protected(asset)
        if self.traces is not None:
            self.traces.protected(asset)

    def refused(self, error: Exception) -> None:
        """A picture was not let out."""
        self.metrics.refused(error)

    def around(
        self,
        app: ASGIApp,
        needs_key: Callable[[str, str], bool],
        *,
        metrics_path: str = "/metrics",
    ) -> ASGIApp:
        """The application with everything around it.

        Args:
            app: any ASGI application.
            needs_key: told method and path; asked only where clients are configured.
            metrics_path: where Prometheus asks. It needs a key too, where there are clients.
        """
        inner: ASGIApp = app
        if self.settings.metrics:
            inner = _MetricsRoute(inner, self.metrics, metrics_path)
        if self.settings.clients is not None:
            clients = access.read(self.settings.clients)

            def needed(method: str, path: str) -> bool:
                return path == metrics_path or needs_key(method, path)

            inner = access.Access(inner, clients, needed)
        if self.settings.cors_origins:
            inner = CORSMiddleware(
                inner,
                allow_origins=list(self.settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=["X-Request-ID"],
            )
        return _Observed(inner, self)

    def close(self) -> None:
        """Send the spans that were not sent yet."""
        if self.traces is not None:
            self.traces.close()


class _MetricsRoute:
    def __init__(self, app: ASGIApp, metrics: Metrics, path: str) -> None:
        self._app = app
        self._metrics = metrics
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path:
            content, kind = self._metrics.text()
            answer = Response(content, headers={"Cache-Control": "no-store"}, media_type=kind)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Observed:
    """Gives each request an id, and tells of it when it is over."""

    def __init__(self, app: ASGIApp, operations: Operations) -> None:
        self._app = app
        self._metrics = operations.metrics
        self._traces = operations.traces
        self._quiet = operations.settings.log == "off"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get(REQUEST_HEADER.decode(), "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex
        # The application must see the same id, and the client's name when `Access` finds it.
        state: dict[str, Any] = {**(scope.get("state") or {}), "request_id": request_id}
        others = [pair for pair in scope["headers"] if pair[0].lower() != REQUEST_HEADER]
        inner = {**scope, "headers": [*others, (REQUEST_HEADER, request_id.encode())]}
        inner["state"] = state
        token = REQUEST_ID.set(request_id)
        begun, status, size = time.perf_counter(), 0, 0

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [p for p in message.get("headers", ()) if p[0].lower() != REQUEST_HEADER]
                message = {**message, "headers": [*own, (REQUEST_HEADER, request_id.encode())]}
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else "other"
        span = self._traces.request(method, headers) if self._traces else nullcontext()
        self._metrics.running.inc()
        try:
            with span:
                await self._app(inner, receive, sending)
        finally:
            REQUEST_ID.reset(token)
            seconds = time.perf_counter() - begun
            self._metrics.running.dec()
            route = _route(inner)
            self._metrics.requests.labels(method, route, str(status or 499)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if not self._quiet:
                tell(_line(inner, request_id, status, size, seconds))


def _route(scope: Mapping[str, Any]) -> str:
    """The template of the path, of which there are few; paths themselves are without number."""
    route = scope.get("route") or (scope.get("state") or {}).get("route")
    return str(getattr(route, "path", route)) if route else "other"


def _line(
    scope: Scope, request_id: str, status: int, size: int, seconds: float
) -> Mapping[str, Any]:
    """What the log says; 499 is a client that went away before an answer."""
    client = scope.get("client")
    return {
        "request_id": request_id,
        "method": scope["method"][:16],
        # On one line, whatever a client escaped into it.
        "path": "".join(c if c.isprintable() else "?" for c in scope["path"][:_SHOWN]),
        "status": status or 499,
        "bytes": size,
        "ms": round(1000 * seconds, 2),
        "from": client[0] if client else None,
        "client": scope["state"].get("client_name"),
    }
