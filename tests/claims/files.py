"""Small files with metadata in every place where it is written, made from their parts."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

from PIL import Image

from provenance.claims.fields import Fields
from provenance.claims.headers import Headers, read_headers
from provenance.claims.interface import Claim
from provenance.claims.readers import claims_in

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
USER_COMMENT = 0x9286


def claims(data: bytes) -> tuple[Claim, ...]:
    """What a file says of itself."""
    return claims_in(Fields(read_headers(data)))


def fields(**given: object) -> Fields:
    """Fields of made-up headers."""
    return Fields(Headers(**given))  # type: ignore[arg-type]


def texts(chunks: Mapping[str, str]) -> Fields:
    """Fields of a PNG with these texts."""
    return fields(kind="PNG", texts=tuple(chunks.items()))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, late: bool = False) -> bytes:
    """A PNG of 8×8 pixels with these chunks, before its pixels or behind them."""
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    data = plain.getvalue()
    at = data.index(b"IEND" if late else b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def text(keyword: str, value: str) -> bytes:
    """A tEXt chunk; its text in UTF-8, as most writers have it."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + value.encode())


def packed(keyword: str, value: bytes) -> bytes:
    """A zTXt chunk."""
    return chunk(b"zTXt", keyword.encode() + b"\0\0" + zlib.compress(value))


def international(keyword: str, value: bytes, *, pack: bool = False) -> bytes:
    """An iTXt chunk."""
    body = zlib.compress(value) if pack else value
    return chunk(b"iTXt", keyword.encode() + bytes([0, pack, 0]) + b"en\0\0" + body)


def exif(tags: Mapping[int, object], **inner: object) -> bytes:
    """An EXIF block: tags of the first directory, and `comment` for UserComment."""
    block = Image.Exif()
    for tag, value in tags.items():
        block[tag] = value
    if "comment" in inner:
        block.get_ifd(0x8769)[USER_COMMENT] = inner["comment"]
    for tag, value in inner.get("capture", {}).items():  # type: ignore[attr-defined]
        block.get_ifd(0x8769)[tag] = value
    return block.tobytes()


def segment(marker: int, data: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments: bytes) -> bytes:
    """A JPEG of 8×8 pixels with these segments at its beginning."""
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "JPEG")
    data = plain.getvalue()
    return data[:2] + b"".join(segments) + data[2:]


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of 8×8 pixels with these chunks behind its pixels."""
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "WEBP")
    body = plain.getvalue()[12:]
    for kind, data in chunks:
        body += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an ISO base media file."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def mp4(keys: Mapping[str, str], *, quicktime: bool = False, film: int = 100_000) -> bytes:
    """An MP4 with these keys behind its `mdat`, or a MOV."""
    names = b"".join(box(b"mdta", key.encode()) for key in keys)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", bytes(8), value.encode()))
        for number, value in enumerate(keys.values(), 1)
    )
    handler = box(b"hdlr", bytes(24))
    meta = box(
        b"meta",
        b"" if quicktime else bytes(4),
        handler,
        box(b"keys", bytes(4), struct.pack(">I", len(keys)), names),
        box(b"ilst", items),
    )
    moov = box(b"moov", meta) if quicktime else box(b"moov", box(b"udta", meta))
    brand = b"qt  " if quicktime else b"mp42"
    return box(b"ftyp", brand, bytes(4)) + box(b"mdat", bytes(film)) + moov


def xmp(body: str, namespaces: str = "") -> bytes:
    """An XMP packet."""
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}" {namespaces}>'
        f"{body}</rdf:RDF></x:xmpmeta>"
    ).encode()


def iim(records: Mapping[int, str]) -> bytes:
    """IPTC records of the second kind."""
    parts = []
    for number, value in records.items():
        data = value.encode()
        parts.append(b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(data)) + data)
    return b"".join(parts)


def photoshop(records: bytes) -> bytes:
    """The JPEG segment in which IPTC records stand."""
    padded = records + b"\0" * (len(records) % 2)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + padded
    return segment(0xED, b"Photoshop 3.0\0" + resource)


def pillow(kind: str, **options: object) -> bytes:
    """A picture of 8×8 pixels as Pillow writes it."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def tiff(block: bytes) -> bytes:
    """A TIFF without pixels: an EXIF block is one."""
    return block.removeprefix(b"Exif\0\0")
