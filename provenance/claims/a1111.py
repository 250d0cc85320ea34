"""AUTOMATIC1111's web UI and the programs that kept its form: Forge, SD.Next and others.

`parameters` in PNG text; EXIF UserComment in JPEG, WebP and AVIF. The version tells the program:
`v1.10.1` the web UI, `f2.0.1v1.10.1` Forge, `classic` and `neo` its successors, `App: SD.Next`.

Source: files of these programs; versions as enslo/sd-metadata tells them apart (src/parsers).
"""

from __future__ import annotations

import re

from provenance.claims import infotext, values
from provenance.claims.fields import Fields
from provenance.claims.infotext import Infotext
from provenance.claims.interface import Claim
from provenance.evidence import Origin

_WEB_UI = "Stable Diffusion web UI"
_PROGRAMS = (
    (re.compile(r"f\d"), f"{_WEB_UI} Forge"),
    (re.compile(r"classic"), f"{_WEB_UI} Forge Classic"),
    (re.compile(r"neo"), f"{_WEB_UI} Forge Neo"),
    (re.compile(r"ComfyUI"), "ComfyUI"),
    (re.compile(r"Fooocus"), "Fooocus"),
)


def read(fields: Fields) -> tuple[Claim, ...]:
    """Parameters as text; those that name Civitai or Draw Things are read elsewhere."""
    claims = []
    for field in fields.free():
        parts = infotext.parse(field.text)
        if parts is None or "Civitai resources" in parts.values or "Guidance Scale" in parts.values:
            continue
        program, version = _program(parts)
        generation = infotext.generation(parts, program, version)
        name = values.joined(program, version)
        claims.append(Claim("a1111", field.place, Origin.GENERATED, name, generation=generation))
    return tuple(claims)


def _program(parts: Infotext) -> tuple[str, str]:
    version = values.text(parts.values.get("Version", ""))[:60]
    if parts.values.get("App") == "SD.Next":
        return "SD.Next", version
    for pattern, program in _PROGRAMS:
        if pattern.match(version):
            known = version.lower() in ("classic", "neo", "comfyui")
            return program, "" if known else version.removeprefix(program).strip()
    return _WEB_UI, version
