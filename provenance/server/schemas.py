"""JSON schemas of what travels; those that C2PA defines keep its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance.evidence import SCHEMA, Outcome, Result, Status
from provenance.server.binding import MAX_VALUE

Schema = dict[str, Any]

ALGORITHMS = "c2pa.softBindingAlgList"
QUERY = "c2pa.softBindingQuery"
RESULT = "c2pa.softBindingQueryResult"
RECORD = "record"
REPORT = "report"
FULL = "fullReport"
FINISHED = "finishedPicture"
ERROR = "error"
STATUS = "status"


def reference(name: str) -> Schema:
    """A reference to a schema of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def algorithm(known: Sequence[str]) -> Schema:
    """The name of a binding that is understood."""
    return {"type": "string", "enum": list(known), "description": "Soft-binding algorithm."}


def value() -> Schema:
    """The value of a binding, as base64 of its bytes."""
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_VALUE,
        "examples": ["AX7L0hB3Yeg="],
        "description": "Base64 of the payload's bytes, most significant first, or of the "
        "fingerprint's; both alphabets are read, padding is optional.",
    }


def schemas(known: Sequence[str]) -> dict[str, Schema]:
    """All of them, by name.

    Args:
        known: the algorithms that are understood.
    """
    named = _object({"alg": {"type": "string"}})
    match = _object(
        {
            "manifestId": {"type": "string", "description": "Ask for it at /manifests."},
            "endpoint": {
                "type": "string",
                "description": "Another service that has it. Never sent here: ask this one.",
            },
            "similarityScore": {
                "type": "integer",
                "minimum": 0,
                "maximum": 100,
                "description": "How much the pictures look alike: 100 for equal fingerprints, 50 "
                "at the threshold of a match. 100 for a payload that was named. Missing when the "
                "mark was read and the pictures cannot be compared.",
            },
        },
        required=("manifestId",),
    )
    return {
        RESULT: _object({"matches": {"type": "array", "items": match}}),
        QUERY: _object({"alg": algorithm(known), "value": value()}),
        ALGORITHMS: _object(
            {
                "watermarks": {"type": "array", "items": named},
                "fingerprints": {"type": "array", "items": named},
            }
        ),
        RECORD: _record(),
        REPORT: _report(),
        FULL: _full(),
        FINISHED: _finished(),
        ERROR: _object(
            {
                "error": _object(
                    {
                        "code": {"type": "string", "description": "Stable, for programs."},
                        "message": {"type": "string", "description": "One sentence, for people."},
                    }
                )
            }
        ),
        STATUS: _object({"status": {"type": "string", "const": "ok"}}),
    }


def _record() -> Schema:
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    binding = _object({"alg": {"type": "string"}, "value": {"type": "string"}})
    return _object(
        {
            "manifestId": {"type": "string"},
            "issuedAt": {"type": "string", "format": "date-time"},
            "mediaType": {"type": "string"},
            "width": {"type": "integer"},
            "height": {"type": "integer"},
            "sha256": {**digest, "description": "Of the finished file."},
            "certificateSha256": {**digest, "description": "Of the signing certificate."},
            "softBindings": {"type": "array", "items": binding},
        }
    )


def _report() -> Schema:
    """The outline; docs/report-schema.json has every field."""
    words = {"type": "string"}
    outcome = {"enum": [each.value for each in Outcome]}
    result = {"enum": [each.value for each in Result]}
    verdict = _object({"outcome": outcome, "result": result, "headline": words, "advice": words})
    status = {"enum": [each.value for each in Status]}
    evidence = _object({"source": words, "code": words, "status": status, "explanation": words})
    return _object(
        {
            "schema": {"const": SCHEMA},
            "name": words,
            "sha256": words,
            "bytes": {"type": "integer"},
            "media_type": words,
            "width": {"type": ["integer", "null"]},
            "height": {"type": ["integer", "null"]},
            "verdict": verdict,
            "evidence": {"type": "array", "items": evidence},
            "timings_ms": {"type": "object", "additionalProperties": {"type": "number"}},
        }
    )


def _full() -> Schema:
    nothing = {"type": "null"}
    picture = _object(
        {
            "address": {"type": "string", "description": "data: address of a small copy."},
            "width": {"type": "integer", "description": "Of the file; boxes count in it."},
            "height": {"type": "integer"},
        }
    )
    said = {"description": "By language, the texts of a page.", "type": "object"}
    return _object(
        {
            "report": reference(REPORT),
            "html": {"type": "string", "description": "The report as a page, in English."},
            "picture": {"anyOf": [picture, nothing]},
            "history": {"type": ["object", "null"], "description": "As the credentials tell it."},
            "said": {**said, "additionalProperties": {"type": "object"}},
        }
    )


def _finished() -> Schema:
    return _object(
        {
            "data": {"type": "string", "contentEncoding": "base64"},
            "media_type": {"type": "string"},
            "bytes": {"type": "integer"},
            "manifest_id": {"type": ["string", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
        }
    )


def _object(properties: dict[str, Schema], required: Sequence[str] | None = None) -> Schema:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": names}
