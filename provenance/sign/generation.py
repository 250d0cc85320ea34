"""Our own assertion `org.provenance-kit.generation`: how the picture was generated.

C2PA leaves this to vendors (2.2, section 6.2.1: labels in reverse domain form). Fields: `model`,
`model_version`, `seed` (decimal text: JSON readers lose large integers), `request_id`, `prompt`
(the text, only when asked for) and `prompt_digest` with `alg` and `value` (base64).
"""

from __future__ import annotations

import base64
from typing import Any

from provenance.sign.interface import Statement

LABEL = "org.provenance-kit.generation"


def data(statement: Statement) -> dict[str, Any]:
    """The assertion; empty if there is nothing to say."""
    said: dict[str, Any] = {}
    generation = statement.generation
    if generation is not None:
        said = {
            "model": generation.model,
            "model_version": generation.model_version,
            "seed": "" if generation.seed is None else str(generation.seed),
            "request_id": generation.request_id,
        }
        said = {name: value for name, value in said.items() if value}
        if generation.prompt is not None:
            said["prompt_digest"] = {
                "alg": generation.prompt.algorithm,
                "value": base64.b64encode(generation.prompt.digest).decode("ascii"),
            }
    if statement.prompt is not None:
        said["prompt"] = statement.prompt
    return said
