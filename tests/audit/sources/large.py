"""Pictures of several megabytes that say who made them, in each format."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, PngImagePlugin

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:'
    b'DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    b"</rdf:RDF></x:xmpmeta>"
)

KINDS = ("png", "jpeg", "webp", "avif", "tiff")


def large(kind: str, side: int = 1500) -> bytes:
    """Noise, which does not get smaller, with an XMP packet; PNG has it behind the pixels."""
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    image = Image.fromarray(noise)
    buffer = io.BytesIO()
    match kind:
        case "png":
            image.save(buffer, "PNG", compress_level=1)
            return _with_text(buffer.getvalue())
        case "jpeg":
            image.save(buffer, "JPEG", quality=95, xmp=XMP)
        case "webp":
            image.save(buffer, "WEBP", quality=95, method=0, xmp=XMP)
        case "avif":
            image.save(buffer, "AVIF", quality=95, speed=10, xmp=XMP)
        case "tiff":
            image.save(buffer, "TIFF", tiffinfo={700: XMP})
    return buffer.getvalue()


def _with_text(data: bytes) -> bytes:
    chunk = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
    packed = io.BytesIO()
    PngImagePlugin.putchunk(packed, b"iTXt", chunk)
    return data[:-12] + packed.getvalue() + data[-12:]
