"""IPTC's digital source type in XMP: the label that search engines and platforms read."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from provenance.claims.interface import Claim
from provenance.evidence import Origin
from provenance.picture import Metadata
from provenance.sign.interface import SourceType

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
"""Namespace of IPTC Photo Metadata 2023.1, section 13.9, Digital Source Type."""

MAX_PACKET = 1 << 20
"""Longer XMP packets are not read: ours has 500 bytes, and parsing costs memory."""

_ORIGINS = {
    SourceType.GENERATED.value: Origin.GENERATED,
    SourceType.EDITED.value: Origin.EDITED,
    "compositeSynthetic": Origin.EDITED,
}


def packet(source_type: SourceType) -> bytes:
    """An XMP packet that holds the source type and nothing else."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_EXT}" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type.uri}"/>'
        "</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def read(metadata: Metadata) -> tuple[Claim, ...]:
    """The digital source type, written as attribute, text or rdf:resource."""
    if not metadata.xmp or len(metadata.xmp) > MAX_PACKET:
        return ()
    xmp = metadata.xmp
    if not xmp.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        xmp = xmp.strip(b"\0 \t\r\n")  # padding, which XML does not allow before the declaration
    try:
        root = fromstring(xmp, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return ()
    tag = f"{{{_EXT}}}DigitalSourceType"
    values = {node.attrib[tag] for node in root.iter() if tag in node.attrib}
    values |= {_text(node) for node in root.iter(tag)}
    return tuple(_claim(value) for value in sorted(values) if value)


def _text(node: Element) -> str:
    return node.attrib.get(f"{{{_RDF}}}resource") or (node.text or "").strip()


def _claim(uri: str) -> Claim:
    code = uri.rstrip("/").rsplit("/", 1)[-1]
    origin = _ORIGINS.get(code, Origin.UNKNOWN)
    return Claim("iptc", "XMP DigitalSourceType", origin, details={"source_type": code})
