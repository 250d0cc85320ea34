"""Metadata of a TIFF: the tags of its first directory, which EXIF shares."""

from __future__ import annotations

from provenance.claims.collector import MAX_BLOCK, Collector
from provenance.claims.exif import read_exif
from provenance.claims.icc import profile_name
from provenance.claims.in_jpeg import iptc_resource
from provenance.claims.tiff import Tiff
from provenance.claims.view import View

_WIDTH, _HEIGHT, _XMP, _IPTC, _PHOTOSHOP, _ICC, _C2PA = 256, 257, 700, 33723, 34377, 34675, 52545
_WANTED = frozenset({_WIDTH, _HEIGHT, _XMP, _IPTC, _PHOTOSHOP, _ICC, _C2PA})


def read(view: View, found: Collector) -> None:
    """The first directory; its EXIF tags are read where they stand."""
    tiff = Tiff(view)
    tags, _ = tiff.directory(tiff.first, _WANTED, MAX_BLOCK)
    found.width = tags[_WIDTH].number() or 0 if _WIDTH in tags else 0
    found.height = tags[_HEIGHT].number() or 0 if _HEIGHT in tags else 0
    found.credentials = _C2PA in tags
    for tag in (_XMP, _IPTC, _PHOTOSHOP):
        if tag in tags and found.admits("metadata in a TIFF", len(tags[tag].data)):
            _add(tag, tags[tag].data, found)
    if _ICC in tags:
        found.icc = profile_name(tags[_ICC].data)
    found.tags = read_exif(tiff)


def _add(tag: int, data: bytes, found: Collector) -> None:
    if tag == _XMP:
        found.xmp.append(data)
    elif tag == _IPTC:
        found.iim = data
    else:
        found.iim = found.iim or iptc_resource(data)
