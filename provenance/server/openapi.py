"""The OpenAPI 3.1 document.

Operations and schemas follow version 1.0.0 of C2PA's own
(https://spec.c2pa.org/specifications/specifications/2.2/softbinding/Decoupled.html). Added are the
bodies of errors, the statuses 408, 413, 415 and 503, and the probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance import __version__
from provenance.server import schemas
from provenance.server.request import DEFAULT_RESULTS, MANIFEST_ID

_SUMMARIES = {
    400: "The request cannot be understood; the message says why.",
    404: "No manifest of this id is kept here.",
    408: "The body arrived too slowly.",
    413: "The body is too large.",
    414: "The query is too long; use POST.",
    415: "The body is of a kind that is not read here.",
    500: "The service failed.",
    503: "Busy, or the registry does not answer; Retry-After says when to ask again.",
}


def document(base: str, known: Sequence[str]) -> dict[str, Any]:
    """The whole document, ready for JSON.

    Args:
        base: address of the API, absolute or from the root.
        known: the algorithms that are understood.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Soft Binding Resolution API of provenance-kit",
            "summary": "Finds the C2PA manifest of a picture that lost it.",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "paths": {
            "/matches/byBinding": {"get": _by_query(known), "post": _by_body()},
            "/matches/byContent": {"post": _by_content(known)},
            "/manifests/{manifestId}": {"get": _manifest()},
            "/services/supportedAlgorithms": {
                "get": _operation(
                    "getSupportedBindings",
                    "Names the soft-binding algorithms that are understood.",
                    schemas.ALGORITHMS,
                    errors=(),
                )
            },
            "/healthz": {
                "get": _operation("health", "The process lives.", schemas.STATUS, errors=())
            },
            "/readyz": {
                "get": _operation("readiness", "The registry answers.", schemas.STATUS, errors=())
            },
        },
        "components": {"schemas": schemas.schemas(known)},
    }


def _by_query(known: Sequence[str]) -> dict[str, Any]:
    return _operation(
        "queryByBinding",
        "Finds manifests by the value of a soft binding.",
        schemas.RESULT,
        errors=(400,),
        parameters=[
            _query("value", schemas.value(), required=True),
            _query("alg", schemas.algorithm(known), required=True),
            _max_results(),
        ],
    )


def _by_body() -> dict[str, Any]:
    body = {"application/json": {"schema": schemas.reference(schemas.QUERY)}}
    return _operation(
        "queryByLargeBinding",
        "Finds manifests by the value of a soft binding, sent as a body.",
        schemas.RESULT,
        errors=(400, 408, 413, 415),
        parameters=[_max_results()],
        body=body,
    )


def _by_content(known: Sequence[str]) -> dict[str, Any]:
    return _operation(
        "uploadFile",
        "Finds manifests for a picture: by its watermark, failing that by its looks.",
        schemas.RESULT,
        errors=(400, 408, 413, 415),
        parameters=[
            _query("alg", schemas.algorithm(known)),
            _max_results(),
            _query("hintAlg", {"type": "string", "description": "Of another binding."}),
            _query("hintValue", {"type": "string", "description": "Of that binding, in base64."}),
        ],
        body={"image/*": {"schema": {"description": "PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."}}},
    )


def _manifest() -> dict[str, Any]:
    identifier = {
        "name": "manifestId",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": MANIFEST_ID},
    }
    operation = _operation(
        "getManifestById",
        "Returns the manifest store that a manifest is the newest of, or that manifest alone.",
        None,
        errors=(400, 404),
        parameters=[
            identifier,
            _query("returnActiveManifest", {"type": "boolean", "default": False}),
        ],
    )
    operation["responses"]["200"]["content"] = {"application/c2pa": {}}
    return operation


def _query(name: str, schema: schemas.Schema, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _max_results() -> dict[str, Any]:
    return _query("maxResults", {"type": "integer", "minimum": 1, "default": DEFAULT_RESULTS})


def _operation(
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
        responses["200"]["content"] = _json(answer)
    for status in sorted({*errors, 414, 500, 503}):
        responses[str(status)] = {
            "description": _SUMMARIES[status],
            "content": _json(schemas.ERROR),
        }
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": responses,
    }
    if parameters:
        operation["parameters"] = list(parameters)
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": schemas.reference(name)}}
