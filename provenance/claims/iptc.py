"""IPTC's digital source type, which search engines and platforms read, and its fields about AI.

IIM has no place for the source type; some programs write its URI into a text there, which is read.

Source: IPTC Photo Metadata 2025.1 (Digital Source Type, AI System Used, AI System Version Used,
AI Prompt Information); NewsCodes Digital Source Type.
"""

from __future__ import annotations

import re

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.claims.vendors import vendor_of
from provenance.claims.xmp import RDF
from provenance.evidence import Origin
from provenance.sign.source_types import SourceType

_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
"""Namespace of IPTC Photo Metadata 2023.1, section 13.9, Digital Source Type."""

_ORIGINS = {
    SourceType.GENERATED.value: Origin.GENERATED,
    SourceType.EDITED.value: Origin.EDITED,
    SourceType.COMPOSITE_SYNTHETIC.value: Origin.EDITED,
    SourceType.CAPTURE.value: Origin.OTHER,
    SourceType.COMPUTATIONAL_CAPTURE.value: Origin.OTHER,
    SourceType.NEGATIVE_FILM.value: Origin.OTHER,
    SourceType.POSITIVE_FILM.value: Origin.OTHER,
    SourceType.PRINT.value: Origin.OTHER,
}

_URI = re.compile(r"https?://cv\.iptc\.org/newscodes/digitalsourcetype/(\w{1,60})")
_WORDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def packet(source_type: SourceType) -> bytes:
    """An XMP packet that holds the source type and nothing else."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_EXT}" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type.uri}"/>'
        "</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def read(fields: Fields) -> tuple[Claim, ...]:
    """The source types, each once, and what is said of the AI system."""
    uris = {f.text for f in fields.of("xmp", "DigitalSourceType") if f.namespace == _EXT}
    claims = [_claim(uri, "XMP DigitalSourceType") for uri in sorted(uris)]
    for field in fields.of("iim"):
        if match := _URI.search(field.text[:10_000]):
            claims.append(_claim(match[0], field.place))
    return (*claims, *_system(fields))


def _claim(uri: str, place: str) -> Claim:
    code = uri.rstrip("/").rsplit("/", 1)[-1][:80]
    if not _WORDS.issuperset(code):
        code = "unknown"
    origin = _ORIGINS.get(code, Origin.UNKNOWN)
    says = "" if origin in (Origin.GENERATED, Origin.EDITED) else f"has the source type {code}"
    return Claim("iptc", place, origin, details={"source_type": code}, says=says)


def _system(fields: Fields) -> tuple[Claim, ...]:
    said = {
        f.name: values.text(f.text)
        for f in fields.of(
            "xmp",
            "AISystemUsed",
            "AISystemVersionUsed",
            "AIPromptInformation",
            "AIPromptWriterName",
        )
        if f.namespace == _EXT
    }
    if not said:
        return ()
    name = said.get("AISystemUsed", "")
    made = Generation(
        generator=name,
        version=said.get("AISystemVersionUsed", ""),
        prompt=said.get("AIPromptInformation", ""),
    )
    place = f"XMP {next(iter(said))}"
    generator = values.joined(name, made.version)[:200]
    return (
        Claim(
            "iptc",
            place,
            Origin.GENERATED,
            generator,
            vendor=vendor_of(name),
            generation=made,
        ),
    )
