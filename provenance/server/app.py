"""`create_app`: the service as an ASGI application, for uvicorn or any other server.

    /                     the page
    /v1/verify            the evidence report
    /v1/protect           moderate, mark, sign
    /v1/records/…         what is kept of a picture
    /v1/matches/…         C2PA's Soft Binding Resolution API, at the root as well
    /v1/manifests/…
    /v1/services/…
    /v1/openapi.json      describes what is there; at the root as well, like the probes
    /v1/healthz, readyz

What a part rests on switches it on: without a verifier nothing is verified, without a registry
nothing is looked up, without a pipeline nothing is protected.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Router

from provenance.pipeline import Pipeline
from provenance.registry.interface import Registry
from provenance.server import openapi, paths, schemas
from provenance.server.about import About
from provenance.server.errors import of_status
from provenance.server.examination import Examiner
from provenance.server.limits import ServiceLimits
from provenance.server.page.routes import Page
from provenance.server.page.shell import Notice
from provenance.server.protect import Protect, Watcher
from provenance.server.records import Records
from provenance.server.resolution import Resolver
from provenance.server.rooms import Rooms
from provenance.server.routes import Resolution
from provenance.server.shield import Shield, reply
from provenance.server.verify import Fetch, Verify
from provenance.verify.verifier import Verifier
from provenance.watermark.interface import Watermarker

BASE = "/v1"

KEYED = frozenset({f"{BASE}/protect"})
"""Paths that need a key, where the operator has given any out."""


def needs_key(_method: str, path: str) -> bool:
    """Whether a request needs a key. What is public must be: the law asks for a free detector."""
    return path in KEYED


def create_app(
    registry: Registry | None = None,
    watermarkers: Sequence[Watermarker] = (),
    limits: ServiceLimits | None = None,
    *,
    public_url: str = "",
    verifier: Verifier | None = None,
    fetch: Fetch | None = None,
    pipeline: Pipeline | None = None,
    watcher: Watcher | None = None,
    notice: Notice | None = None,
) -> Starlette:
    """The service. Nothing of a request is kept, except what `pipeline` records of its pictures.

    There is no authentication inside: everybody who reaches it may ask; see `needs_key`.

    Args:
        registry: where manifests are kept; closed by whoever opened it.
        watermarkers: the scheme with each of your keys, the one in use first; without any, marks
            are not looked up in the registry.
        limits: on what is accepted. Give `verifier` and `pipeline` the same limits on pictures.
        public_url: where clients reach the root of this service, for the OpenAPI document.
        verifier: examines files; switches on `/v1/verify` and the page.
        fetch: gets the bytes behind an address, from public hosts alone; lets clients name one.
        pipeline: protects pictures; switches on `/v1/protect`.
        watcher: is told of what `pipeline` finishes and refuses.
        notice: what the page says of whoever runs the service.
    """
    rooms = Rooms(limits or ServiceLimits())
    pictures = rooms.limits.pictures
    known: tuple[str, ...] = ()
    check = None
    described: paths.Paths = {}
    anywhere: list[BaseRoute] = []
    below: list[BaseRoute] = []
    outside: list[BaseRoute] = []
    if verifier is not None:
        described |= paths.verify(fetched=fetch is not None)
        below += Verify(Examiner(verifier, pictures), rooms, fetch).routes()
        outside += Page(notice or Notice(), pictures, fetched=fetch is not None).routes()
    if pipeline is not None:
        described |= paths.protect()
        below += Protect(pipeline, rooms, watcher).routes()
    if registry is not None:
        resolver = Resolver(registry, watermarkers, pictures)
        known, check = (*resolver.watermarks, *resolver.fingerprints), resolver.check
        described |= paths.resolution(known) | paths.records()
        anywhere += Resolution(resolver, rooms).routes()
        below += Records(registry, rooms).routes()
    document = openapi.document(
        public_url.rstrip("/") + BASE, described | paths.about(), schemas.schemas(known)
    )
    anywhere += About(document, check, rooms).routes()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        rooms.close()

    app = Starlette(
        routes=[
            Mount(BASE, Router([*below, *anywhere], redirect_slashes=False)),
            *anywhere,
            *outside,
        ],
        middleware=[Middleware(Shield, max_query=rooms.limits.max_query)],
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
