"""JSON schemas of what travels; those that C2PA defines keep its names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance.server.binding import MAX_VALUE

Schema = dict[str, Any]

ALGORITHMS = "c2pa.softBindingAlgList"
QUERY = "c2pa.softBindingQuery"
RESULT = "c2pa.softBindingQueryResult"
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


def _object(properties: dict[str, Schema], required: Sequence[str] | None = None) -> Schema:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": names}
