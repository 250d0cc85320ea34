"""NovelAI: JSON in `Comment` beside `Software: NovelAI`, and the same again in the alpha channel.

Source: files of NovelAI; field names as in enslo/sd-metadata (src/parsers/novelai.ts).
"""

from __future__ import annotations

from typing import Any

from provenance.claims import values
from provenance.claims.fields import Field, Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for the texts and one for each object in other fields that has NovelAI's form."""
    claims = []
    for source in ("png", "stealth"):
        if fields.text(source, "Software") == "NovelAI":
            comment = next(fields.of(source, "Comment"), None)
            field = comment or next(fields.of(source, "Software"))
            said = fields.object(field.text)
            claims.append(_claim(fields, field, said, fields.text(source, "Source")))
    for field in fields.free():
        if claims or "noise_schedule" not in field.text:
            continue
        outer = fields.object(field.text)
        inner = outer.get("Comment")
        said = fields.object(inner) if isinstance(inner, str) else outer
        if {"uc", "noise_schedule", "sampler"} <= said.keys():
            claims.append(_claim(fields, field, said, values.text(outer.get("Source"))))
    return tuple(claims)


def _claim(fields: Fields, field: Field, said: dict[str, Any], model: str) -> Claim:
    width, height = said.get("width"), said.get("height", 0)
    generation = Generation(
        generator="NovelAI",
        model=values.text(model),
        prompt=_caption(said, "v4_prompt") or values.text(said.get("prompt")),
        negative_prompt=_caption(said, "v4_negative_prompt") or values.text(said.get("uc")),
        seed=values.integer(said.get("seed")),
        sampler=values.joined(said.get("sampler"), said.get("noise_schedule")),
        steps=values.integer(said.get("steps")),
        cfg=values.number(said.get("scale")),
        size=values.size(width, height) or values.size(fields.headers.width, fields.headers.height),
    )
    details = {"signature": "present, not checked"} if "signed_hash" in said else {}
    return Claim(
        "novelai", field.place, Origin.GENERATED, "NovelAI", details, "NovelAI", generation
    )


def _caption(said: dict[str, Any], name: str) -> str:
    """The base caption of version 4's structured prompt."""
    for key in (name, "caption"):
        inner = said.get(key)
        if not isinstance(inner, dict):
            return ""
        said = inner
    return values.text(said.get("base_caption"))
