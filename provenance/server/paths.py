"""The operations of the OpenAPI document.

Those of resolution, with their schemas, follow version 1.0.0 of C2PA's own
(https://spec.c2pa.org/specifications/specifications/2.2/softbinding/Decoupled.html). Added are the
bodies of errors, and the statuses 408, 413, 414, 415 and 503.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance.server import schemas
from provenance.server.openapi import operation, query
from provenance.server.protect import FORMATS
from provenance.server.request import DEFAULT_RESULTS, MANIFEST_ID
from provenance.server.upload import FILE, MAX_TEXT
from provenance.server.verify import MAX_ADDRESS

Paths = dict[str, Any]


def resolution(known: Sequence[str]) -> Paths:
    """C2PA's Soft Binding Resolution API.

    Args:
        known: the algorithms that are understood.
    """
    return {
        "/matches/byBinding": {"get": _by_query(known), "post": _by_body()},
        "/matches/byContent": {"post": _by_content(known)},
        "/manifests/{manifestId}": {"get": _manifest()},
        "/services/supportedAlgorithms": {
            "get": operation(
                "getSupportedBindings",
                "Names the soft-binding algorithms that are understood.",
                schemas.ALGORITHMS,
                errors=(),
            )
        },
    }


def records() -> Paths:
    """What is kept of a picture."""
    return {
        "/records/{manifestId}": {
            "get": operation(
                "getRecordById",
                "Says what was issued under this manifest: when, of which size, with which marks.",
                schemas.RECORD,
                errors=(400, 404),
                parameters=[_identifier()],
            )
        }
    }


def verify(*, fetched: bool) -> Paths:
    """The evidence report.

    Args:
        fetched: addresses are taken as well.
    """
    body = {**_FILE, "multipart/form-data": {"schema": _form({})}}
    if fetched:
        address = {"type": "string", "minLength": 1, "maxLength": MAX_ADDRESS}
        schema = {"type": "object", "properties": {"url": address}, "required": ["url"]}
        body["application/json"] = {"schema": schema}
    made = operation(
        "verify",
        "Says what is known of a file: credentials, watermark, claims, looks.",
        None,
        errors=(400, 401, 408, 413, 415),
        parameters=[
            query("html", {**_SWITCH, "description": "Answer with a page for people."}),
            query(
                "full",
                {**_SWITCH, "description": "Bring the page, the picture and the history as well."},
            ),
        ],
        body=body,
    )
    made["responses"]["200"]["content"] = {
        "application/json": {
            "schema": {
                "anyOf": [schemas.reference(schemas.REPORT), schemas.reference(schemas.FULL)]
            }
        },
        "text/html": {"schema": {"type": "string"}},
    }
    return {"/verify": {"post": made}}


def protect() -> Paths:
    """Moderated, marked, signed."""
    texts: dict[str, schemas.Schema] = {
        "prompt": {"type": "string", "maxLength": MAX_TEXT, "description": "It is moderated."},
        "format": {"type": "string", "enum": list(FORMATS)},
    }
    made = operation(
        "protect",
        "Moderates, marks and signs a picture; answers the finished file, or JSON that holds it.",
        schemas.FINISHED,
        errors=(400, 401, 408, 413, 415),
        parameters=[query("format", texts["format"])],
        body={**_FILE, "multipart/form-data": {"schema": _form(texts)}},
    )
    made["responses"]["200"]["content"]["image/*"] = {}
    return {"/protect": {"post": made}}


def about() -> Paths:
    """The probes."""
    return {
        "/healthz": {"get": operation("health", "The process lives.", schemas.STATUS, errors=())},
        "/readyz": {
            "get": operation("readiness", "The registry answers.", schemas.STATUS, errors=())
        },
    }


_SWITCH = {"type": "boolean", "default": False}
_FILE: dict[str, Any] = {
    "image/*": {"schema": {"description": "PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."}}
}


def _form(texts: dict[str, Any]) -> schemas.Schema:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    return {
        "type": "object",
        "properties": {FILE: file, **texts},
        "required": [FILE],
        "additionalProperties": False,
    }


def _by_query(known: Sequence[str]) -> dict[str, Any]:
    return operation(
        "queryByBinding",
        "Finds manifests by the value of a soft binding.",
        schemas.RESULT,
        errors=(400,),
        parameters=[
            query("value", schemas.value(), required=True),
            query("alg", schemas.algorithm(known), required=True),
            _max_results(),
        ],
    )


def _by_body() -> dict[str, Any]:
    body = {"application/json": {"schema": schemas.reference(schemas.QUERY)}}
    return operation(
        "queryByLargeBinding",
        "Finds manifests by the value of a soft binding, sent as a body.",
        schemas.RESULT,
        errors=(400, 408, 413, 415),
        parameters=[_max_results()],
        body=body,
    )


def _by_content(known: Sequence[str]) -> dict[str, Any]:
    return operation(
        "uploadFile",
        "Finds manifests for a picture: by its watermark, failing that by its looks.",
        schemas.RESULT,
        errors=(400, 408, 413, 415),
        parameters=[
            query("alg", schemas.algorithm(known)),
            _max_results(),
            query("hintAlg", {"type": "string", "description": "Of another binding."}),
            query("hintValue", {"type": "string", "description": "Of that binding, in base64."}),
        ],
        body={"image/*": {"schema": {"description": "PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."}}},
    )


def _identifier() -> dict[str, Any]:
    return {
        "name": "manifestId",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": MANIFEST_ID},
    }


def _manifest() -> dict[str, Any]:
    made = operation(
        "getManifestById",
        "Returns the manifest store that a manifest is the newest of, or that manifest alone.",
        None,
        errors=(400, 404),
        parameters=[
            _identifier(),
            query("returnActiveManifest", {"type": "boolean", "default": False}),
        ],
    )
    made["responses"]["200"]["content"] = {"application/c2pa": {}}
    return made


def _max_results() -> dict[str, Any]:
    return query("maxResults", {"type": "integer", "minimum": 1, "default": DEFAULT_RESULTS})
