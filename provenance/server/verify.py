"""`POST /verify`: the evidence report on a file, or on what an address leads to."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provenance.server import request as requests
from provenance.server.errors import Refusal, invalid, unsupported
from provenance.server.examination import Examiner, Form
from provenance.server.negotiate import preferred
from provenance.server.rooms import Rooms
from provenance.server.upload import FORM
from provenance.verify.remote import MAX_BYTES, NotFetched

Fetch = Callable[[str], bytes]

MAX_ADDRESS = 2048

_REPORT = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
}
"""The page's own policy, inside it, names the one style that it may use."""

_FILES = ("image/", "video/", "audio/")
_OTHERS = ("application/octet-stream", "application/pdf", FORM)


class Verify:
    """The endpoint.

    Args:
        examiner: does the work.
        rooms: where.
        fetch: gets the bytes behind an address; None refuses addresses.
    """

    def __init__(self, examiner: Examiner, rooms: Rooms, fetch: Fetch | None = None) -> None:
        self._examiner = examiner
        self._rooms = rooms
        self._fetch = fetch

    def routes(self) -> list[Route]:
        """The route, below whatever base it is mounted at."""
        return [Route("/verify", self.verify, methods=["POST"], name="verify")]

    async def verify(self, request: Request) -> Response:
        """The report, as JSON, as a page, or as both with what a page needs beside it."""
        form = _form(request)
        kind = requests.media_type(request)
        rooms, limits = self._rooms, self._rooms.limits
        with rooms.memory.share() as take:
            if kind == "application/json":
                if self._fetch is None:
                    raise unsupported("no addresses are fetched here; send the file itself")
                address = await self._address(request)
                take(MAX_BYTES)
                name = _name(address)
                pieces: Sequence[bytes] = [await self._fetched(self._fetch, address)]
                content_type = "application/octet-stream"
            else:
                _check_kind(kind, fetched=self._fetch is not None)
                content_type, name = request.headers["content-type"], ""
                most, seconds = limits.pictures.max_bytes, limits.body_seconds
                pieces = await requests.read(request, most, seconds, take)
            body = await rooms.readers.run(
                self._examiner.examine, pieces, content_type, name or "-", form
            )
        media_type = Form.HTML if form is Form.HTML else Form.JSON
        headers = _REPORT if form is Form.HTML else None
        return Response(body, media_type=media_type.value, headers=headers)

    async def _address(self, request: Request) -> str:
        """The address in a body of JSON."""
        limits = self._rooms.limits
        with self._rooms.memory.share() as take:
            pieces = await requests.read(request, limits.max_json, limits.body_seconds, take)
        try:
            said: Any = json.loads(b"".join(pieces))
        except (ValueError, RecursionError) as error:
            raise invalid("the body is not JSON in UTF-8") from error
        address = said.get("url") if isinstance(said, dict) else None
        if not isinstance(address, str) or not 0 < len(address) <= MAX_ADDRESS:
            raise invalid(f"url is missing, no text, or over {MAX_ADDRESS:,} characters")
        return address

    async def _fetched(self, fetch: Fetch, address: str) -> bytes:
        """What the address leads to.

        Why it could not be had is not told: that would let strangers explore our network.
        """
        try:
            return await self._rooms.fetchers.run(fetch, address)
        except (NotFetched, ValueError) as error:
            raise Refusal(
                400,
                "not-fetched",
                "nothing was had from this address; expected a public https:// address that "
                f"answers with the file itself, without redirects, of at most {MAX_BYTES:,} bytes",
            ) from error


def _form(request: Request) -> Form:
    """By the query; failing that, by what the client accepts."""
    html, full = requests.flag(request, "html"), requests.flag(request, "full")
    if html and full:
        raise invalid("html and full are both true; full brings the page as well")
    if full:
        return Form.FULL
    said = requests.parameter(request, "html")
    if html or said == "false":
        return Form.HTML if html else Form.JSON
    return Form(preferred(request.headers.get("accept", ""), (Form.JSON, Form.HTML)))


def _check_kind(kind: str, *, fetched: bool) -> None:
    if not kind.startswith(_FILES) and kind not in _OTHERS:
        more = ", or an address as application/json" if fetched else ""
        raise unsupported(
            "send the file as the body, with its type or application/octet-stream as "
            f"Content-Type, or as multipart/form-data{more}"
        )


def _name(address: str) -> str:
    """The last part of the path, for people."""
    try:
        path = urllib.parse.urlsplit(address).path
    except ValueError:
        return ""
    return urllib.parse.unquote(path.rpartition("/")[2], errors="replace")[:255]
