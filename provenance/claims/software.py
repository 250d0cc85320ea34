"""Programs that name themselves and say nothing of AI: editors, converters, firmware."""

from __future__ import annotations

import re

from provenance.claims import values
from provenance.claims.camera import firmware
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim
from provenance.claims.vendors import named
from provenance.evidence import Origin

_PLACES = {
    "exif": ("Software",),
    "xmp": ("CreatorTool",),
    "png": ("Software",),
    "iim": ("originating program",),
    "key": ("com.apple.quicktime.software", "©too"),
}
_OTHERS = ("NovelAI", "Draw Things", "Fooocus")
_NUMBER = re.compile(r"[0-9A-Fa-f-]{16,}")
_MOST = 5


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for each program, whose firmware is left to the camera's own."""
    claims: dict[str, Claim] = {}
    own = firmware(fields.tags)
    for source, names in _PLACES.items():
        for field in fields.of(source, *names):
            program = values.text(field.text)[:200]
            if not program or program == own or named(program):
                continue
            if not program.startswith(_OTHERS) and not _NUMBER.fullmatch(program):
                says = f"was written by {program[:100]}"
                claim = Claim("software", field.place, Origin.UNKNOWN, program, says=says)
                claims.setdefault(program, claim)
    return tuple(claims.values())[:_MOST]
