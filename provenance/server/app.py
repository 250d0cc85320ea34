"""`create_app`: the service as an ASGI application, for uvicorn or any other server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from provenance.registry.interface import Registry
from provenance.server import openapi
from provenance.server.errors import of_status
from provenance.server.limits import ServiceLimits
from provenance.server.resolution import Resolver
from provenance.server.routes import Endpoints
from provenance.server.shield import Shield, reply
from provenance.watermark.interface import Watermarker

BASE = "/v1"


def create_app(
    registry: Registry,
    watermarkers: Sequence[Watermarker] = (),
    limits: ServiceLimits | None = None,
    *,
    public_url: str = "",
) -> Starlette:
    """The Soft Binding Resolution API over a registry, below /v1 and at the root.

    Reads alone: nothing is written, and nothing of a request is kept. There is no authentication:
    everybody who reaches it may ask.

    Args:
        registry: where manifests are kept; closed by whoever opened it.
        watermarkers: the scheme with each of your keys, the one in use first; without any, marks
            are neither read nor looked up.
        limits: on what is accepted.
        public_url: where clients reach the root of this service, for the OpenAPI document.
    """
    limits = limits or ServiceLimits()
    resolver = Resolver(registry, watermarkers, limits.pictures)
    document = openapi.document(
        public_url.rstrip("/") + BASE, (*resolver.watermarks, *resolver.fingerprints)
    )
    endpoints = Endpoints(resolver, limits, document)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        endpoints.close()

    app = Starlette(
        routes=[Mount(BASE, routes=endpoints.routes()), *endpoints.routes()],
        middleware=[Middleware(Shield, max_query=limits.max_query)],
        exception_handlers={HTTPException: _not_routed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _not_routed(_request: Request, error: Exception) -> Response:
    """A path or a method that is not there, in the form of all errors."""
    if not isinstance(error, HTTPException):  # starlette's type of handlers is wider than its use
        raise error
    return reply(of_status(error.status_code, error.headers))
