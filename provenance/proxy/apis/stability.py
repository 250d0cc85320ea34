"""Stability AI: `/v1/generation/...` (JSON, base64) and `/v2beta/stable-image/...` (multipart).

Source: platform.stability.ai/docs/api-reference. A picture that is altered (edit, upscale,
outpaint, image-to-image) is what is edited; what steers (control) is a reference.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from provenance._inputs import Inputs
from provenance.proxy.apis.interface import Api, pictures
from provenance.proxy.asked import Asked
from provenance.proxy.words import paired, prompts
from provenance.server.errors import Refusal, invalid

_ALTERS = re.compile(r".*/(?:edit|upscale|image-to-image)(?:/.*)?")
_WEIGHTED = re.compile(r"text_prompts\[(\d+)\]\[(text|weight)\]")
_NOT_SHOWN = frozenset({"mask", "mask_image"})


class Stability(Api):
    """Both versions."""

    def prompts(self, asked: Asked) -> list[str]:
        """`prompt`, and `text_prompts` of which those with a weight below zero are negative."""
        weights: dict[str, dict[str, str]] = {}
        others = []
        for name, text in asked.fields:
            if match := _WEIGHTED.fullmatch(name):
                slot = weights.setdefault(match[1], {})
                if match[2] in slot:
                    raise invalid(f"{name} is there twice")
                slot[match[2]] = text
                continue
            others.append((name, text))
        away = [w.get("text", "") for w in weights.values() if _below_zero(w.get("weight", "1"))]
        wanted = [
            w.get("text", "") for w in weights.values() if not _below_zero(w.get("weight", "1"))
        ]
        rest = Asked(asked.method, asked.path, others, asked.files, asked.json)
        return [*paired(wanted, away), *prompts(rest)]

    def inputs(self, asked: Asked) -> Inputs:
        """`image` or `init_image`; masks are nobody's work."""
        files = [(name, data) for name, data in asked.files if name not in _NOT_SHOWN]
        given = pictures(Asked(asked.method, asked.path, files=files, json=asked.json))
        if given and _ALTERS.fullmatch(asked.path):
            return Inputs(given[0], given[1:])
        return Inputs(references=given)

    def wanted_format(self, asked: Asked) -> str | None:
        """`output_format`."""
        wanted = asked.first("output_format")
        return wanted if wanted in ("png", "jpeg", "webp") else None

    def shape(self, refusal: Refusal) -> dict[str, Any]:
        """`errors` is of version 2, `message` of version 1."""
        return {
            "id": uuid.uuid4().hex,
            "name": refusal.code,
            "errors": [refusal.message],
            "message": refusal.message,
        }


def _below_zero(text: str) -> bool:
    try:
        return float(text) < 0
    except ValueError:
        return False
