"""The frame of the OpenAPI 3.1 document, and what all operations in it have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provenance import __version__
from provenance.server import schemas

_SUMMARIES = {
    400: "The request cannot be understood or met; the message says why.",
    401: "An access key is needed, where the operator asks for one.",
    404: "No manifest of this id is kept here.",
    408: "The body arrived too slowly.",
    413: "The body is too large.",
    414: "The query is too long; use POST.",
    415: "The body is of a kind that is not read here.",
    500: "The service failed.",
    503: "Busy, or the registry does not answer; Retry-After says when to ask again.",
}


def document(
    base: str, paths: Mapping[str, Any], named: Mapping[str, schemas.Schema]
) -> dict[str, Any]:
    """The whole document, ready for JSON.

    Args:
        base: address of the API, absolute or from the root.
        paths: the operations.
        named: the schemas that they refer to.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "provenance-kit",
            "summary": "Says where a picture comes from, finds the C2PA manifest of one that lost "
            "it, and protects new ones.",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "paths": dict(paths),
        "components": {"schemas": dict(named)},
    }


def query(name: str, schema: schemas.Schema, *, required: bool = False) -> dict[str, Any]:
    """A parameter in the query."""
    return {"name": name, "in": "query", "required": required, "schema": schema}


def operation(
    name: str,
    summary: str,
    answer: str | None,
    *,
    errors: Sequence[int],
    parameters: Sequence[dict[str, Any]] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One operation; every one may also be answered with 414, 500 and 503."""
    responses: dict[str, Any] = {"200": {"description": "The answer."}}
    if answer is not None:
        responses["200"]["content"] = json(answer)
    for status in sorted({*errors, 414, 500, 503}):
        responses[str(status)] = {
            "description": _SUMMARIES[status],
            "content": json(schemas.ERROR),
        }
    made: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": responses,
    }
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = {"required": True, "content": body}
    return made


def json(name: str) -> dict[str, Any]:
    """Content that is JSON of a named schema."""
    return {"application/json": {"schema": schemas.reference(name)}}
