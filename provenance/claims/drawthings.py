"""Draw Things: XMP with `CreatorTool` of that name, and JSON in `exif:UserComment`.

Source: written after enslo/sd-metadata (its tests of XMP) and format/drawthings.py of
receyuki/stable-diffusion-prompt-reader: `c` is the prompt, `uc` the negative one, `scale` the
guidance.
"""

from __future__ import annotations

from provenance.claims import infotext, values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_NAME = "Draw Things"


def read(fields: Fields) -> tuple[Claim, ...]:
    """At most one claim."""
    if _NAME not in fields.text("xmp", "CreatorTool"):
        return ()
    for field in fields.of("xmp", "UserComment"):
        said = fields.object(field.text)
        if "c" in said:
            made = Generation(
                generator=_NAME,
                model=values.text(said.get("model")),
                prompt=values.text(said.get("c")),
                negative_prompt=values.text(said.get("uc")),
                seed=values.integer(said.get("seed")),
                sampler=values.text(said.get("sampler")),
                steps=values.integer(said.get("steps")),
                cfg=values.number(said.get("scale")),
                size=values.size(said.get("size")),
            )
            return (Claim("drawthings", field.place, Origin.GENERATED, _NAME, generation=made),)
    for field in fields.of("xmp", "description"):
        if parts := infotext.parse(field.text):
            made = infotext.generation(parts, _NAME)
            return (Claim("drawthings", field.place, Origin.GENERATED, _NAME, generation=made),)
    return (Claim("drawthings", "XMP CreatorTool", Origin.GENERATED, _NAME),)
