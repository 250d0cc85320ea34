"""What a camera is said to have written: its name, the exposure, its own notes.

All of it is easily copied from another photograph. Whether the maker's note has the form of the
maker that is named shows carelessness, not truth.

Source: Exif 2.32; beginnings of maker notes as ExifTool lists them (MakerNotes.pm).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from provenance.claims import values
from provenance.claims.exif import Exif
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim
from provenance.claims.thumbnail import AGREES
from provenance.claims.vendors import named
from provenance.evidence import Origin

_NOTES = (
    (b"Apple iOS\0", "apple"),
    (b"FUJIFILM", "fuji"),
    (b"GENERALE", "general"),
    (b"Nikon\0", "nikon"),
    (b"OLYMP\0", "olympus"),
    (b"OLYMPUS\0", "olympus"),
    (b"OM SYSTEM\0", "om "),
    (b"Panasonic\0\0\0", "panasonic"),
    (b"SONY DSC \0", "sony"),
    (b"SONY CAM \0", "sony"),
    (b"SONY MOBILE", "sony"),
    (b"AOC\0", "pentax"),
    (b"PENTAX \0", "pentax"),
    (b"QVC\0", "casio"),
    (b"SIGMA\0", "sigma"),
    (b"FOVEON\0", "sigma"),
    (b"LEICA", "leica"),
    (b"KDK", "kodak"),
    (b"KYOCERA", "kyocera"),
    (b"MLT0", "minolta"),
    (b"HUAWEI", "huawei"),
    (b"DJI", "dji"),
    (b"RICOH", "ricoh"),
    (b"Rv", "ricoh"),
    (b"SANYO\0", "sanyo"),
)
_MORE = (("DateTimeOriginal", "taken"), ("LensModel", "lens"))
_EDITORS = re.compile(
    r"adobe|photoshop|lightroom|gimp|picasa|paint|capture one|acdsee|irfanview|snapseed|affinity"
    r"|magick|instagram|microsoft|windows|photos?\b|darktable|rawtherapee|pixelmator|luminar|dxo"
    r"|canva|editor",
    re.IGNORECASE,
)
_SHARED = {"general": "general", "pentax": "asahi ricoh", "olympus": "om digital"}
"""Other names under which the same forms are written."""


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim if a make, a model and an exposure are given."""
    tags = fields.tags
    if not is_capture(tags):
        return ()
    make, model = (values.text(tags.texts[name])[:100] for name in ("Make", "Model"))
    camera = model if model.lower().startswith(make.lower()) else values.joined(make, model)
    details: dict[str, Any] = {
        "make": make,
        "model": model,
        "exposure": dict(tags.numbers),
        "maker_note": maker_note(tags.maker_note, make),
        "thumbnail": "present" if tags.thumbnail else "absent",
        "located": tags.located,
    }
    for name, key in _MORE:
        if text := values.text(tags.texts.get(name, ""))[:100]:
            details[key] = text
    if program := firmware(tags):
        details["firmware"] = values.text(program)[:100]
    says = f"was taken with a {camera}"
    return (Claim("camera", "EXIF", Origin.OTHER, "", details, says=says),)


def with_likeness(claim: Claim, likeness: float) -> Claim:
    """The claim with what its thumbnail shows, compared with the picture."""
    agrees = likeness >= AGREES
    shown = "agrees with the picture" if agrees else "differs from the picture"
    details = {**claim.details, "thumbnail": shown, "thumbnail_likeness": round(likeness, 3)}
    says = claim.says if agrees else f"{claim.says}, and its thumbnail does not match it"
    return replace(claim, details=details, says=says)


def firmware(tags: Exif) -> str:
    """What EXIF names as software, if that is the camera's own and not an editor's."""
    program = tags.texts.get("Software", "")
    return program if is_capture(tags) and not _EDITORS.search(program[:200]) else ""


def is_capture(tags: Exif) -> bool:
    """Whether the tags describe a photograph: equipment that is no generator, and an exposure."""
    texts = tags.texts
    if not texts.get("Make") or not texts.get("Model"):
        return False
    if any(named(texts[name]) or "{" in texts[name] for name in ("Make", "Model")):
        return False
    return bool({"ExposureTime", "FNumber", "FocalLength"} & tags.numbers.keys())


def maker_note(note: bytes, make: str) -> str:
    """Whether a maker's note begins as this maker's do."""
    if not note:
        return "absent"
    lowered = make.lower()
    for beginning, maker in _NOTES:
        if note.startswith(beginning):
            names = (maker, *_SHARED.get(maker, "").split())
            if any(name in lowered for name in names):
                return "in the form of this maker"
            return f"in the form of another maker ({maker.strip()})"
    return "in no form that is known here"
