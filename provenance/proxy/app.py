"""`create_proxy`: the proxy as an ASGI application, for uvicorn or any other server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from provenance.errors import ProvenanceError
from provenance.picture import Asset
from provenance.pipeline import Pipeline
from provenance.proxy import refusals
from provenance.proxy.apis.interface import Api
from provenance.proxy.apis.routes import api_of
from provenance.proxy.exchange import Exchange, Parts
from provenance.proxy.fetch import Fetcher
from provenance.proxy.limits import ProxyLimits
from provenance.proxy.protector import Protector
from provenance.proxy.settle import Delivery, Settler
from provenance.proxy.store import Results
from provenance.proxy.upstream import Origin, Upstream, checked
from provenance.server.errors import Refusal, busy
from provenance.server.pool import Memory, Pool

LOG = logging.getLogger("provenance.proxy")

OWN = "/.provenance"
"""Everything below it is the proxy's, and is never asked of the upstream."""

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
_CHECKERS = 2
_TIDY_SECONDS = 60.0
_READY_SECONDS = 2.0


METRICS_PATH = OWN + "/metrics"
"""Where Prometheus asks; /metrics itself is the upstream's."""


_PROBES = ("/healthz", "/readyz", OWN + "/healthz", OWN + "/readyz")


def needs_key(method: str, path: str) -> bool:
    """Whether a request needs an access key, where there are any.

    Whoever knows the name of a result has been given it, and a browser has no key to show.
    """
    if method not in ("GET", "HEAD"):
        return True
    return path not in _PROBES and not path.startswith(OWN + "/results/")


def create_proxy(
    pipeline: Pipeline,
    upstream: str,
    *,
    limits: ProxyLimits | None = None,
    results: Results | None = None,
    delivery: Delivery = "served",
    public_url: str = "",
    trusted: Iterable[str] = (),
    ready_path: str = "/",
    check: Callable[[], object] | None = None,
    on_asset: Callable[[Asset], object] | None = None,
    on_refused: Callable[[Exception], object] | None = None,
    fetcher: Fetcher | None = None,
) -> Starlette:
    """A proxy before one server of generated pictures. No picture leaves it unprotected.

    Args:
        pipeline: protects what comes.
        upstream: URL of the server.
        limits: on what is taken on.
        results: keeps pictures that answers name by address; a temporary folder by default.
        delivery: how these are handed out, see `Delivery`.
        public_url: where clients reach the proxy; by default what they say in `Host`.
        trusted: URLs of other servers that pictures may be fetched from although their addresses
            are not public; the upstream is always trusted.
        ready_path: path of the upstream that readiness asks for.
        check: called by readiness; raises if the registry cannot be used.
        on_asset: told of each asset, in a thread.
        on_refused: told of each exception for which a picture, or its words, went no further.
        fetcher: for tests.

    Raises:
        ConfigError: a URL is none.
        OutputError: there is no folder for results.
    """
    limits = limits or ProxyLimits()
    public_url = checked(public_url, "--public-url") if public_url else ""
    server = Upstream(upstream, limits)
    origins = [server.origin, *(Origin.of(checked(url, "--trust")) for url in trusted)]
    temporary = None if results else Path(tempfile.mkdtemp(prefix="provenance-results-"))
    results = results or Results(temporary or Path())
    pictures = Pool("picture", limits.workers, limits.requests, limits.work_seconds)
    checks = Pool("check", _CHECKERS, limits.requests, limits.work_seconds)
    fetch = fetcher or Fetcher(origins, limits)
    settler = Settler(
        Protector(pipeline, on_asset, limits.held),
        fetch,
        results,
        pictures,
        limits.most_links,
        delivery,
    )
    parts = Parts(pipeline, server, settler, checks, Memory(limits.memory), limits)
    own = _Own(results, server, checks, ready_path.encode(), check)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(own.tidy())
        yield
        tidying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tidying
        await asyncio.to_thread(pictures.close)
        await asyncio.to_thread(checks.close)
        server.close()
        await fetch.close()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)

    proxied = _Proxied(parts, public_url, on_refused)
    app = Starlette(
        routes=[
            *(Route(base + "/healthz", own.health) for base in ("", OWN)),
            *(Route(base + "/readyz", own.readiness) for base in ("", OWN)),
            Route(OWN + "/results/{name}", own.result),
            Route(OWN + "/{rest:path}", own.nothing),
            Route("/{path:path}", proxied),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _Own:
    """What the proxy answers itself."""

    def __init__(
        self,
        results: Results,
        upstream: Upstream,
        pool: Pool,
        ready_path: bytes,
        check: Callable[[], object] | None,
    ) -> None:
        self._results = results
        self._upstream = upstream
        self._pool = pool
        self._ready_path = ready_path
        self._check = check
        self._asked = 0.0
        self._ready = False
        self._lock = asyncio.Lock()

    async def health(self, _request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def readiness(self, _request: Request) -> Response:
        """The upstream answers, and the registry can be used."""
        async with self._lock:
            if time.monotonic() - self._asked > _READY_SECONDS:
                self._ready = await self._upstream.alive(self._ready_path) and await self._checked()
                self._asked = time.monotonic()
        if self._ready:
            return JSONResponse({"status": "ok"})
        return _reply(busy("the image backend or the registry cannot be used"), Api())

    async def result(self, request: Request) -> Response:
        """A picture that an answer named; parts of it may be asked for."""
        found = await asyncio.to_thread(self._results.get, request.path_params["name"])
        if found is None:
            return await self.nothing(request)
        return FileResponse(
            found.path,
            media_type=found.media_type,
            stat_result=found.status,
            headers={"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"},
        )

    async def nothing(self, _request: Request) -> Response:
        """What is not there, or not any more."""
        return _reply(Refusal(404, "not-found", "there is nothing here, or not any more"), Api())

    async def tidy(self) -> None:
        """Remove old results, for ever."""
        while True:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._results.tidy)
            await asyncio.sleep(_TIDY_SECONDS)

    async def _checked(self) -> bool:
        try:
            if self._check is not None:
                await self._pool.run(self._check)
        except Exception as error:
            LOG.warning("not ready: %s", type(error).__name__)
            return False
        return True


class _Proxied:
    """Everything else: one exchange each, and an answer of ours if it cannot be."""

    def __init__(
        self, parts: Parts, public_url: str, on_refused: Callable[[Exception], object] | None
    ) -> None:
        self._parts = parts
        self._public_url = public_url
        self._on_refused = on_refused
        self._free = parts.limits.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive, send)
        api = api_of(scope["path"])
        exchange = Exchange(self._parts, api, request, send, self._home(request))
        self._free -= 1
        try:
            if self._free < 0:
                raise busy()  # noqa: TRY301 - one place makes all answers
            _refuse_upgrades(request)
            _refuse_own(scope["path"])
            await exchange.run()
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            refusal = refusals.of(error)
            self._tell(error, refusal)
            if exchange.ended:
                return
            if exchange.started:
                raise
            await _reply(refusal, api)(scope, receive, send)
        finally:
            self._free += 1

    def _home(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if self._public_url or not _HOST.fullmatch(host):
            return self._public_url + OWN + "/results"
        return f"{request.scope['scheme']}://{host}{OWN}/results"

    def _tell(self, error: Exception, refusal: Refusal) -> None:
        """Log what is not the client's fault. Neither prompts nor addresses are written."""
        counts = not isinstance(error, Refusal) or error.code == refusals.ANSWER_REFUSED
        if counts and self._on_refused is not None:
            self._on_refused(error)
        if refusal.status < 500 or refusal.status == 503:
            return
        if isinstance(error, ProvenanceError):
            LOG.error("%s: %s", type(error).__name__, error)
        else:
            LOG.error("unexpected %s", type(error).__name__, exc_info=error)


def _refuse_upgrades(request: Request) -> None:
    """WebSockets would carry pictures past us.

    Raises:
        Refusal: 501 or 405.
    """
    if "upgrade" in request.headers:
        raise Refusal(
            501,
            "upgrade_refused",
            "WebSockets are not passed on, since they carry previews that nobody can protect; ask "
            "for /history and /view instead",
        )
    if request.method in ("TRACE", "CONNECT"):
        raise Refusal(405, "method_refused", f"{request.method} is not passed on")


def _refuse_own(path: str) -> None:
    """What is ours is not asked of the upstream, by whatever method.

    Raises:
        Refusal: 405.
    """
    if path in _PROBES or path == OWN or path.startswith(OWN + "/"):
        raise Refusal(405, "method_refused", "only GET and HEAD are answered here")


def _reply(refusal: Refusal, api: Api) -> JSONResponse:
    headers: dict[str, Any] = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **refusal.headers,
    }
    return JSONResponse(api.shape(refusal), refusal.status, headers)
