"""The endpoints of the resolution API: parse, ask the resolver in a thread, answer."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provenance.server import request as requests
from provenance.server.errors import Refusal, unsupported
from provenance.server.resolution import Found, Resolver, checked_hint, damaged
from provenance.server.rooms import Rooms

MANIFEST_STORE = "application/c2pa"

_KEEP = {"Cache-Control": "public, max-age=3600"}
"""A manifest never changes under its id."""


class Resolution:
    """What the routes call.

    Args:
        resolver: has the answers.
        rooms: where the work is done.
    """

    def __init__(self, resolver: Resolver, rooms: Rooms) -> None:
        self._resolver = resolver
        self._limits = rooms.limits
        self._memory = rooms.memory
        self._lookups = rooms.lookups
        self._readers = rooms.readers

    def routes(self) -> list[Route]:
        """The routes, below whatever base they are mounted at."""
        return [
            Route("/matches/byBinding", self.by_binding, methods=["GET", "POST"]),
            Route("/matches/byContent", self.by_content, methods=["POST"]),
            Route("/manifests/{manifest_id:path}", self.manifest),
            Route("/services/supportedAlgorithms", self.algorithms),
        ]

    async def by_binding(self, request: Request) -> Response:
        """Manifests that name a binding; by query, or by a body in JSON."""
        limit = requests.results(request, self._limits.max_results)
        if request.method == "POST":
            kind = requests.media_type(request)
            algorithm, value = requests.binding_query(kind, await self._small_body(request))
        else:
            algorithm = requests.required(request, "alg")
            value = requests.required(request, "value")
        return _matches(await self._lookups.run(self._resolver.by_binding, algorithm, value, limit))

    async def by_content(self, request: Request) -> Response:
        """Manifests for a picture that is the body."""
        limit = requests.results(request, self._limits.max_results)
        algorithm = requests.parameter(request, "alg")
        hint = checked_hint(
            requests.parameter(request, "hintAlg"), requests.parameter(request, "hintValue")
        )
        kind = requests.media_type(request)
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise unsupported(
                "pictures alone are looked up here; send one with its type as Content-Type"
            )
        most = self._limits.pictures.max_bytes
        with self._memory.share() as take:
            pieces = await requests.read(request, most, self._limits.body_seconds, take)
            found = await self._readers.run(
                self._resolver.by_content, pieces, limit, algorithm=algorithm, hint=hint
            )
        return _matches(found)

    async def manifest(self, request: Request) -> Response:
        """A manifest store, or of it the active manifest alone."""
        active_only = requests.flag(request, "returnActiveManifest")
        wanted = requests.manifest_id(request)
        try:
            store = await self._lookups.run(
                self._resolver.manifest, wanted, active_only=active_only
            )
        except ValueError as error:
            raise damaged() from error
        if store is None:
            raise Refusal(404, "unknown-manifest", "no manifest of this id is kept here")
        return Response(store, media_type=MANIFEST_STORE, headers=_KEEP)

    async def algorithms(self, _request: Request) -> Response:
        """The bindings that are understood."""
        return JSONResponse(
            {
                "watermarks": _named(self._resolver.watermarks),
                "fingerprints": _named(self._resolver.fingerprints),
            }
        )

    async def _small_body(self, request: Request) -> bytes:
        with self._memory.share() as take:
            pieces = await requests.read(
                request, self._limits.max_json, self._limits.body_seconds, take
            )
            return b"".join(pieces)


def _named(algorithms: Sequence[str]) -> list[dict[str, str]]:
    return [{"alg": name} for name in algorithms]


def _matches(found: Sequence[Found]) -> JSONResponse:
    return JSONResponse(
        {
            "matches": [
                {"manifestId": match.manifest_id}
                | ({} if match.score is None else {"similarityScore": match.score})
                for match in found
            ]
        }
    )
