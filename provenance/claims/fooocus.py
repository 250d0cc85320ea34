"""Fooocus and RuinedFooocus: one JSON object in `parameters`, UserComment or a comment.

Source: files of RuinedFooocus; lllyasviel/Fooocus, modules/meta_parser.py (scheme `fooocus`; its
scheme `a1111` is read as that) and, before version 2.2, the JSON of its private log.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_RESOLUTION = re.compile(r"\(\s*(\d{1,5})\s*,\s*(\d{1,5})\s*\)")


def read(fields: Fields) -> tuple[Claim, ...]:
    """Objects that name a base model the way these programs do."""
    claims = []
    for field in fields.free():
        if '"base_model' not in field.text:
            continue
        said = fields.object(field.text)
        if said.get("software") == "RuinedFooocus":
            made = _ruined(said)
        elif {"base_model", "prompt"} <= said.keys() and "sampler" in said:
            made = _plain(said)
        else:
            continue
        name = values.joined(made.generator, made.version)
        claims.append(Claim("fooocus", field.place, Origin.GENERATED, name, generation=made))
    return tuple(claims)


def _ruined(said: dict[str, Any]) -> Generation:
    return Generation(
        generator="RuinedFooocus",
        model=values.text(said.get("base_model_name")),
        prompt=values.text(said.get("Prompt")),
        negative_prompt=values.text(said.get("Negative")),
        seed=values.integer(said.get("seed")),
        sampler=values.joined(said.get("sampler_name"), said.get("scheduler")),
        steps=values.integer(said.get("steps")),
        cfg=values.number(said.get("cfg")),
        size=values.size(said.get("width"), said.get("height", 0)),
    )


def _plain(said: dict[str, Any]) -> Generation:
    match = _RESOLUTION.search(values.text(said.get("resolution"))[:40])
    return Generation(
        generator="Fooocus",
        version=values.text(said.get("version")).removeprefix("Fooocus").strip(" v"),
        model=values.text(said.get("base_model")),
        prompt=values.text(said.get("prompt")),
        negative_prompt=values.text(said.get("negative_prompt")),
        seed=values.integer(said.get("seed")),
        sampler=values.joined(said.get("sampler"), said.get("scheduler")),
        steps=values.integer(said.get("steps")),
        cfg=values.number(said.get("guidance_scale", said.get("cfg"))),
        size=(int(match[1]), int(match[2]))
        if match
        else values.size(said.get("width"), said.get("height", 0)),
    )
