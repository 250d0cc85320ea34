"""The page and what it loads: all of it from here, and none of it changes while we run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from types import ModuleType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provenance import report
from provenance.codec.limits import Limits
from provenance.server import page as here
from provenance.server import request as requests
from provenance.server.errors import Refusal
from provenance.server.negotiate import preferred
from provenance.server.page.shell import Notice, said_of, shell
from provenance.server.page.words import LANGUAGES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

_CACHED = {"Cache-Control": "no-cache"}
"""Kept by browsers, and asked for again by its tag, so that an update is seen at once."""

_FILES: Mapping[str, tuple[ModuleType, str, str]] = {
    "page.js": (here, "page.js", "text/javascript"),
    "view.js": (here, "view.js", "text/javascript"),
    "page.css": (here, "page.css", "text/css"),
    "report.css": (report, "style.css", "text/css"),
}


class Page:
    """The endpoints, at the root.

    Args:
        notice: of the operator.
        limits: on bytes.
        fetched: addresses are taken as well.
    """

    def __init__(self, notice: Notice, limits: Limits, *, fetched: bool) -> None:
        most = limits.max_bytes
        self._pages = {
            each: shell(notice, each, most=most, fetched=fetched).encode() for each in LANGUAGES
        }
        self._loaded = {name: (_read(*where), where[2]) for name, where in _FILES.items()}
        for each in LANGUAGES:
            said = json.dumps(said_of(notice, each, most), ensure_ascii=False).encode()
            self._loaded[f"words.{each}.json"] = (said, "application/json")

    def routes(self) -> list[Route]:
        """The routes; none of them belongs to the API."""
        loaded = [Route(f"/{name}", self._serving(name)) for name in self._loaded]
        return [Route("/", self.page, name="page"), *loaded]

    async def page(self, request: Request) -> Response:
        """In the language that is named, or else in one that the browser prefers."""
        named = requests.parameter(request, "lang")
        if named is not None and named not in LANGUAGES:
            raise Refusal(404, "not-found", f"the page is there in {' and '.join(LANGUAGES)} alone")
        header = request.headers.get("accept-language", "")
        language = named or preferred(header, LANGUAGES)
        headers = {
            **_CACHED,
            "Content-Security-Policy": POLICY,
            "Content-Language": language,
            "Vary": "Accept-Language",
        }
        return _answer(request, self._pages[language], "text/html", headers)

    def _serving(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        content, kind = self._loaded[name]

        async def serve(request: Request) -> Response:
            return _answer(request, content, kind, _CACHED)

        return serve


def _read(package: ModuleType, name: str, _kind: str) -> bytes:
    return (resources.files(package) / name).read_bytes()


def _answer(request: Request, content: bytes, kind: str, headers: Mapping[str, str]) -> Response:
    """The content, or 304 for a browser that has it."""
    mark = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**headers, "ETag": mark}
    if mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
