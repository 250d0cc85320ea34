"""What a service says of itself: its OpenAPI document, that it lives, and that it can work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provenance.server.rooms import Rooms


class About:
    """The endpoints.

    Args:
        document: the OpenAPI document.
        check: raises if what the service rests on does not answer; None rests on nothing.
        rooms: where it is asked.
    """

    def __init__(
        self, document: dict[str, Any], check: Callable[[], None] | None, rooms: Rooms
    ) -> None:
        self._document = document
        self._check = check
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """The routes, below whatever base they are mounted at."""
        return [
            Route("/openapi.json", self.openapi),
            Route("/healthz", self.health),
            Route("/readyz", self.readiness),
        ]

    async def openapi(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return JSONResponse(self._document)

    async def health(self, _request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def readiness(self, _request: Request) -> Response:
        """The registry answers, and there is room for a question."""
        if self._check is not None:
            await self._rooms.lookups.run(self._check)
        return JSONResponse({"status": "ok"})
