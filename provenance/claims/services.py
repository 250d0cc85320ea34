"""Services that name themselves in a field for software, credit or equipment.

OpenAI, Google, Adobe, Black Forest Labs, Canva and others; the names are in `vendors`. One module
serves them all because none has a form of its own, but for FLUX, which adds model and prompt.
Most of these services put what they state into Content Credentials, which are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from provenance.claims import values
from provenance.claims.fields import Field, Fields
from provenance.claims.interface import Claim, Generation
from provenance.claims.vendors import Named, named
from provenance.evidence import Origin

_PLACES = {
    "xmp": ("CreatorTool", "Credit", "Software", "Make", "Model", "AgentName", "softwareAgent"),
    "exif": ("Software", "Make", "Model"),
    "iim": ("credit", "source", "originating program"),
    "png": ("Software", "Source", "Creator"),
    "key": ("Software", "com.apple.quicktime.software", "©too", "encoder"),
}


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for each service."""
    claims: dict[str, Claim] = {}
    for field, known in naming(fields):
        if known.family == "novelai" and field.source == "png":
            continue  # read with its parameters elsewhere
        claims.setdefault(known.family, _claim(fields, field, known))
    return tuple(claims.values())


def naming(fields: Fields) -> Iterator[tuple[Field, Named]]:
    """The fields that name a service."""
    for source, names in _PLACES.items():
        for field in fields.of(source, *names):
            if known := named(field.text):
                yield field, known


def _claim(fields: Fields, field: Field, known: Named) -> Claim:
    says = f"was written by {known.generator}" if known.origin is Origin.UNKNOWN else ""
    made = _flux(fields) if known.family == "flux" and field.source == "exif" else None
    return Claim(
        known.family,
        field.place,
        known.origin,
        known.generator if not says else "",
        {"named": values.text(field.text)[:500]},
        known.vendor,
        made,
        says,
    )


def _flux(fields: Fields) -> Generation:
    texts = fields.tags.texts
    return Generation(
        generator="FLUX",
        model=values.text(texts.get("Model", "")),
        prompt=values.text(texts.get("ImageDescription", "")),
    )
