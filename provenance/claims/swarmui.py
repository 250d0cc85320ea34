"""SwarmUI: JSON under `sui_image_params`, in `parameters`, UserComment or, earlier, EXIF Model.

Source: files of SwarmUI 0.9; the older place from receyuki/stable-diffusion-prompt-reader.
"""

from __future__ import annotations

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_KEY = "sui_image_params"


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for each such object."""
    claims = []
    for field in fields.free():
        said = fields.object(field.text).get(_KEY) if _KEY in field.text else None
        if not isinstance(said, dict):
            continue
        made = Generation(
            generator="SwarmUI",
            version=values.text(said.get("swarm_version")),
            model=values.text(said.get("model")),
            prompt=values.text(said.get("prompt")),
            negative_prompt=values.text(said.get("negativeprompt")),
            seed=values.integer(said.get("seed")),
            sampler=values.joined(said.get("sampler"), said.get("scheduler")),
            steps=values.integer(said.get("steps")),
            cfg=values.number(said.get("cfgscale")),
            size=values.size(said.get("width"), said.get("height", 0)),
        )
        name = values.joined("SwarmUI", made.version)
        claims.append(Claim("swarmui", field.place, Origin.GENERATED, name, generation=made))
    return tuple(claims)
