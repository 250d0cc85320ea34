"""The manifest definition: which assertions are made, in C2PA's words.

Labels and fields follow the C2PA specification 2.2: actions in 18.15, soft binding in 18.10.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from provenance._version import __version__
from provenance.sign.interface import Generator, Mark, Statement

ACTIONS = "c2pa.actions.v2"
SOFT_BINDING = "c2pa.soft-binding"
GENERATION = "org.provenance-kit.generation"
"""Ours: what the user asked to publish of how the picture was generated."""

PARENT_LABEL = "parent"
"""Links the ingredient to the action that opened it; never leaves the definition."""


def definition(statement: Statement, manifest_id: str) -> dict[str, Any]:
    """The definition that c2pa's Builder takes.

    Args:
        statement: what to say.
        manifest_id: `urn:c2pa:` and a version 4 UUID; becomes the manifest's label.
    """
    assertions = [_created(ACTIONS, {"actions": _actions(statement)})]
    if statement.mark is not None:
        assertions.append(_created(SOFT_BINDING, _soft_binding(statement.mark)))
    if statement.prompt is not None:
        assertions.append(_created(GENERATION, {"prompt": statement.prompt}))
    return {
        "label": manifest_id,
        "claim_generator_info": [_agent(Generator("provenance-kit", __version__))],
        "assertions": assertions,
    }


def _actions(statement: Statement) -> list[dict[str, Any]]:
    """First `created` or, for a picture with a history, `opened`; then the watermark."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    agent = _agent(statement.generator)
    if statement.parent is None:
        actions = [
            {
                "action": "c2pa.created",
                "digitalSourceType": statement.source_type.uri,
                "softwareAgent": agent,
                "when": now,
            }
        ]
    else:
        opened = {"ingredientIds": [PARENT_LABEL]}
        actions = [{"action": "c2pa.opened", "parameters": opened, "when": now}]
    if statement.mark is not None:
        agent = _agent(Generator("provenance-kit", __version__))
        actions.append({"action": "c2pa.watermarked.bound", "when": now, "softwareAgent": agent})
    return actions


def _soft_binding(mark: Mark) -> dict[str, Any]:
    """The payload as base64 of its bytes, most significant first, over the whole picture."""
    raw = mark.payload.value.to_bytes(mark.payload.bits // 8, "big")
    value = base64.b64encode(raw).decode("ascii")
    return {"alg": mark.algorithm, "blocks": [{"scope": {}, "value": value}]}


def _agent(generator: Generator) -> dict[str, str]:
    """A generator-info map; an unknown version is left out rather than invented."""
    named = {"name": generator.name}
    return {**named, "version": generator.version} if generator.version else named


def _created(label: str, data: dict[str, Any]) -> dict[str, Any]:
    """An assertion that the signer vouches for, not one merely gathered."""
    return {"label": label, "created": True, "data": data}
