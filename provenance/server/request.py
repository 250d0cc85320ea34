"""Takes a request apart: parameters that are checked, and bodies that are bounded."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from provenance.server.errors import Refusal, invalid, too_large, unsupported

MANIFEST_ID = r"^(?:[A-Za-z0-9._-]{1,64}:)?urn:(?:c2pa|uuid):[!-~]{1,200}$"
"""C2PA 2.2, section 8.2, and the older `vendor:urn:uuid:…`; looser than both."""

DEFAULT_RESULTS = 10

_NUMBER = re.compile(r"0*([1-9][0-9]*)", re.ASCII)
_MANIFEST_ID = re.compile(MANIFEST_ID)


def parameter(request: Request, name: str) -> str | None:
    """The only value of a query parameter, or None.

    Raises:
        Refusal: 400, if it is there twice.
    """
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise invalid(f"{name} is given {len(values)} times; give it once")
    return values[0] if values else None


def required(request: Request, name: str) -> str:
    """The value of a query parameter.

    Raises:
        Refusal: 400, if it is missing, empty, or there twice.
    """
    value = parameter(request, name)
    if not value:
        raise invalid(f"{name} is missing; give it in the query")
    return value


def results(request: Request, most: int) -> int:
    """`maxResults`, at most `most`.

    Raises:
        Refusal: 400.
    """
    text = parameter(request, "maxResults")
    if text is None:
        return min(DEFAULT_RESULTS, most)
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise invalid("maxResults is not a whole number of at least 1")
    return most if len(number[1]) > 9 else min(int(number[1]), most)


def flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; false if it is missing.

    Raises:
        Refusal: 400.
    """
    text = parameter(request, name)
    if text not in (None, "true", "false"):
        raise invalid(f"{name} is neither true nor false")
    return text == "true"


def manifest_id(request: Request) -> str:
    """The manifest's id in the path.

    Raises:
        Refusal: 400.
    """
    text = str(request.path_params["manifest_id"])
    if not _MANIFEST_ID.fullmatch(text):
        raise invalid("the manifest id is not one of C2PA's; expected urn:c2pa: and what follows")
    return text


def media_type(request: Request) -> str:
    """What the client says that the body is, in lower case and without parameters; maybe empty."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(
    request: Request, most: int, seconds: float, take: Callable[[int], None]
) -> list[bytes]:
    """The body in pieces. One that says beforehand that it is too large is not read at all.

    Args:
        request: whose body it is.
        most: bytes.
        seconds: until all of it must be here.
        take: told of the size of every piece before it is kept; may refuse.

    Raises:
        Refusal: 413, 408, or what `take` raises.
        ClientDisconnect: the client went away.
    """
    too_much = f"the body is over the limit of {most:,} bytes; send a smaller one"
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large(too_much)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise too_large(too_much)
                take(len(piece))
                pieces.append(piece)
    except TimeoutError as error:
        raise Refusal(
            408,
            "too-slow",
            f"the body did not arrive within {seconds:g} seconds; send a smaller one",
        ) from error
    return pieces


def binding_query(kind: str, body: bytes) -> tuple[str, str]:
    """Algorithm and value of a soft-binding query in JSON.

    Args:
        kind: media type of the body.
        body: all of it.

    Raises:
        Refusal: 415 or 400.
    """
    if kind != "application/json":
        raise unsupported("the body must be application/json")
    try:
        query: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise invalid("the body is not JSON in UTF-8") from error
    if not isinstance(query, dict):
        raise invalid("the body is not a JSON object with alg and value")
    for name in ("alg", "value"):
        if not isinstance(query.get(name), str) or not query[name]:
            raise invalid(f"{name} is missing in the body, or is not a text")
    return query["alg"], query["value"]
