"""Easy Diffusion: one PNG text for each setting, or one JSON object in UserComment.

Source: written after easydiffusion/easydiffusion, ui/easydiffusion/utils/save_utils.py
(`TASK_TEXT_MAPPING`): names are either those of the program or those for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_MODEL = ("use_stable_diffusion_model", "Stable Diffusion model")
_SCALE = ("guidance_scale", "Guidance Scale")


def read(fields: Fields) -> tuple[Claim, ...]:
    """The PNG texts, and each object, that name a model and a scale as this program does."""
    texts = {field.name: field.text for field in fields.of("png")}
    claims = []
    if _is_ours(texts):
        name = next(name for name in _MODEL if name in texts)
        claims.append(_claim(f"PNG text '{name}'", texts))
    for field in fields.free():
        if any(name in field.text for name in _MODEL):
            said = fields.object(field.text)
            if _is_ours(said):
                claims.append(_claim(field.place, said))
    return tuple(claims)


def _is_ours(said: Mapping[str, Any]) -> bool:
    return any(name in said for name in _MODEL) and any(name in said for name in _SCALE)


def _claim(place: str, said: Mapping[str, Any]) -> Claim:
    def get(*names: str) -> Any:
        return next((said[name] for name in names if name in said), None)

    made = Generation(
        generator="Easy Diffusion",
        model=values.named(get(*_MODEL)),
        prompt=values.text(get("prompt", "Prompt")),
        negative_prompt=values.text(get("negative_prompt", "Negative Prompt")),
        seed=values.integer(get("seed", "Seed")),
        sampler=values.text(get("sampler_name", "Sampler")),
        steps=values.integer(get("num_inference_steps", "Steps")),
        cfg=values.number(get(*_SCALE)),
        size=values.size(get("width", "Width"), get("height", "Height") or 0),
    )
    return Claim("easydiffusion", place, Origin.GENERATED, "Easy Diffusion", generation=made)
