"""Parameters that generators leave in a file: AUTOMATIC1111 and its kin, and ComfyUI.

Source of the forms: files written by these programs; `parameters` is AUTOMATIC1111's keyword in
PNG text and, behind an eight-byte character code, EXIF UserComment in JPEG and WebP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from PIL import Image

from provenance.claims.interface import Claim
from provenance.evidence import Origin
from provenance.picture import Metadata

_EXIF_IFD, _USER_COMMENT, _SOFTWARE = 0x8769, 0x9286, 0x0131
_MAX_TEXT = 1 << 20
_A1111 = re.compile(r"^Steps: \d+, .*?(?:Sampler|CFG scale|Seed): ", re.MULTILINE)
"""One line, from its beginning: anywhere in the text, hostile input would take quadratic time."""
_FIELD = re.compile(r"(Steps|Sampler|Seed|Size|Model|Version): ([^,\n]+)")


def read(metadata: Metadata) -> tuple[Claim, ...]:
    """Claims of the Stable Diffusion family."""
    claims = []
    for place, text in _texts(metadata):
        if len(text) > _MAX_TEXT:
            continue
        if _A1111.search(text):
            fields = {k.lower(): v.strip() for k, v in _FIELD.findall(text)}
            name = "Stable Diffusion web UI" + (f" {v}" if (v := fields.get("version")) else "")
            claims.append(Claim("a1111", place, Origin.GENERATED, name, fields))
        elif place == "PNG text 'prompt'" and _is_workflow(text):
            claims.append(Claim("comfyui", place, Origin.GENERATED, "ComfyUI"))
    return tuple(claims)


def _texts(metadata: Metadata) -> Iterator[tuple[str, str]]:
    for keyword, text in metadata.text.items():
        yield f"PNG text '{keyword}'", text
    comment = _user_comment(metadata.exif)
    if comment:
        yield "EXIF UserComment", comment


def _user_comment(block: bytes | None) -> str:
    """The comment behind its character code (EXIF 2.32, 4.6.5, UserComment)."""
    if not block:
        return ""
    exif = Image.Exif()
    try:
        exif.load(block)
        raw = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    except Exception:  # hostile EXIF fails in many ways, and none of them is a claim
        return ""
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, bytes):
        return ""
    code, text = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        # Written big-endian by piexif, in the file's own order by others.
        order = "utf-16-be" if text[:1] == b"\0" else "utf-16-le"
        return text.decode(order, errors="replace")
    return text.decode("utf-8", errors="replace")


def _is_workflow(text: str) -> bool:
    """ComfyUI's prompt is a map of nodes, each with a class."""
    try:
        nodes = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(nodes, dict) and any(
        isinstance(node, dict) and "class_type" in node for node in nodes.values()
    )
