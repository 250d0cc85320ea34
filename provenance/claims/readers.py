"""All families, and what they say of one file."""

from __future__ import annotations

from provenance.claims import (
    a1111,
    aigc,
    camera,
    civitai,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    invokeai,
    iptc,
    midjourney,
    novelai,
    samsung,
    services,
    software,
    swarmui,
    xai,
)
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, ClaimReader

READERS: tuple[ClaimReader, ...] = (
    iptc.read,
    aigc.read,
    a1111.read,
    comfyui.read,
    invokeai.read,
    novelai.read,
    fooocus.read,
    swarmui.read,
    civitai.read,
    drawthings.read,
    easydiffusion.read,
    midjourney.read,
    xai.read,
    samsung.read,
    services.read,
    camera.read,
    software.read,
)
"""Every family, in the order of the report: what speaks of AI first, cameras and editors last."""

_MOST = 50


def claims_in(fields: Fields) -> tuple[Claim, ...]:
    """What the file says of itself; at most 50 statements, each once."""
    claims: dict[tuple[str, str, str], Claim] = {}
    for read in READERS:
        for claim in read(fields):
            claims.setdefault((claim.family, claim.field, repr(claim)), claim)
    return tuple(claims.values())[:_MOST]
