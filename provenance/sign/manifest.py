"""The manifest definition: which assertions are made, in C2PA's words.

Labels and fields follow the C2PA specification 2.2; each assertion has a module of its own.
"""

from __future__ import annotations

import base64
from typing import Any

from provenance.sign import actions, generation, mining
from provenance.sign.interface import Mark, Statement

ACTIONS = actions.LABEL
SOFT_BINDING = "c2pa.soft-binding"
GENERATION = generation.LABEL


def definition(statement: Statement, manifest_id: str) -> dict[str, Any]:
    """The definition that c2pa's Builder takes.

    Args:
        statement: what to say.
        manifest_id: `urn:c2pa:` and a version 4 UUID; becomes the manifest's label.
    """
    assertions = [_created(ACTIONS, actions.data(statement))]
    if statement.mark is not None:
        assertions.append(_created(SOFT_BINDING, _soft_binding(statement.mark)))
    generated = generation.data(statement)
    if generated:
        assertions.append(_created(GENERATION, generated))
    if statement.mining is not None:
        assertions.append(_created(mining.LABEL, statement.mining.data()))
    assertions += [_created(extra.label, extra.data) for extra in statement.extra]
    defined: dict[str, Any] = {
        "label": manifest_id,
        "claim_generator_info": [actions.agent(actions.OURSELVES)],
        "assertions": assertions,
    }
    return {**defined, "title": statement.title} if statement.title else defined


def _soft_binding(mark: Mark) -> dict[str, Any]:
    """The payload as base64 of its bytes, most significant first, over the whole picture.

    Source: C2PA 2.2, section 18.10.
    """
    raw = mark.payload.value.to_bytes(mark.payload.bits // 8, "big")
    value = base64.b64encode(raw).decode("ascii")
    return {"alg": mark.algorithm, "blocks": [{"scope": {}, "value": value}]}


def _created(label: str, data: dict[str, Any]) -> dict[str, Any]:
    """An assertion that the signer vouches for, not one merely gathered.

    CAWG Metadata Assertion 1.1 wants JSON in its box, where c2pa-rs writes CBOR unless told.
    """
    kind = {"kind": "Json"} if label == "cawg.metadata" else {}
    return {"label": label, "created": True, **kind, "data": data}
