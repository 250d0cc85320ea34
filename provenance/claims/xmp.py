"""The properties of an XMP packet, whichever of RDF's forms they are written in.

Source: XMP part 1 (ISO 16684-1) sections 6 and 7.
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_RESOURCE, _LIST, _VALUE = f"{{{RDF}}}resource", f"{{{RDF}}}li", f"{{{RDF}}}value"

MAX_PACKET = 1 << 20
"""Longer packets are not read: parsing costs memory, and packets have 500 bytes to 50 kB."""

_MOST = 10_000


class Property(NamedTuple):
    """One property: namespace, name and text; a list has one for each of its entries."""

    namespace: str
    name: str
    text: str


def properties(packet: bytes) -> tuple[Property, ...]:
    """All properties with a text; none if it is no XML, or has entities. Never raises."""
    if len(packet) > MAX_PACKET:
        return ()
    if not packet.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        packet = packet.strip(b"\0 \t\r\n")  # padding, which XML forbids before the declaration
    try:
        root = fromstring(packet, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return ()
    found = []
    for each in _walk(root):
        found.append(each)
        if len(found) == _MOST:
            break
    return tuple(found)


def _walk(root: Element) -> Iterator[Property]:
    for node in root.iter():
        for name, text in node.attrib.items():
            if text and not name.startswith((f"{{{RDF}}}", f"{{{_XML}}}", "xmlns")):
                yield _property(name, text)
        if isinstance(node.tag, str) and not node.tag.startswith(f"{{{RDF}}}"):
            for text in _texts(node):
                yield _property(node.tag, text)


def _texts(node: Element) -> Iterator[str]:
    if text := node.attrib.get(_RESOURCE) or (node.text or "").strip():
        yield text
    for child in node:
        if child.tag == _VALUE and child.text:
            yield child.text.strip()
        for entry in child:
            if entry.tag == _LIST and (text := (entry.text or "").strip()):
                yield text


def _property(name: str, text: str) -> Property:
    namespace, _, local = name[1:].rpartition("}") if name[:1] == "{" else ("", "", name)
    return Property(namespace, local, text)
