"""Civitai's own generator: AUTOMATIC1111's form with a list of the site's models.

Source: files of the site; `extraMetadata` of its upscaling from enslo/sd-metadata
(src/parsers/comfyui-civitai.ts).
"""

from __future__ import annotations

import json
from typing import Any

from provenance.claims import infotext, values
from provenance.claims.fields import Field, Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_RESOURCES = "Civitai resources: "


def read(fields: Fields) -> tuple[Claim, ...]:
    """Parameters with Civitai's resources, or what its upscaling keeps of them."""
    claims = []
    for field in fields.free():
        if _RESOURCES in field.text and (parts := infotext.parse(field.text)):
            models = _models(field.text)
            model = next((m for kind, m in models if kind == "checkpoint"), "")
            generation = infotext.generation(parts, "Civitai", model=model)
            claims.append(_claim(field, generation, [name for _, name in models]))
    for field in fields.of("png", "extraMetadata"):
        said = fields.object(field.text)
        if {"prompt", "baseModel"} <= said.keys():
            claims.append(_claim(field, _kept(said), []))
    return tuple(claims)


def _claim(field: Field, generation: Generation, models: list[str]) -> Claim:
    return Claim(
        "civitai",
        field.place,
        Origin.GENERATED,
        "Civitai",
        {"models": models} if models else {},
        "Civitai",
        generation,
    )


def _models(text: str) -> list[tuple[str, str]]:
    start = text.index(_RESOURCES) + len(_RESOURCES)
    try:
        listed, _ = json.JSONDecoder().raw_decode(text[start : start + (1 << 16)])
    except (ValueError, RecursionError):
        return []
    if not isinstance(listed, list):
        return []
    return [
        (values.text(e.get("type")), values.joined(e.get("modelName"), e.get("modelVersionName")))
        for e in listed[:50]
        if isinstance(e, dict)
    ]


def _kept(said: dict[str, Any]) -> Generation:
    return Generation(
        generator="Civitai",
        model=values.text(said.get("baseModel")),
        prompt=values.text(said.get("prompt")),
        negative_prompt=values.text(said.get("negativePrompt")),
        seed=values.integer(said.get("seed")),
        sampler=values.text(said.get("sampler")),
        steps=values.integer(said.get("steps")),
        cfg=values.number(said.get("cfgScale")),
        size=values.size(said.get("width"), said.get("height")),
    )
