"""Which format the bytes are in, by their first bytes; the file's name is never asked."""

from __future__ import annotations

from typing import Literal

from provenance.errors import UnreadablePicture, UnsupportedPicture

Source = Literal["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"]
"""The formats that we read."""

READABLE = "PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP"

_MAGIC: tuple[tuple[bytes, Source], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"8BPS", "a Photoshop document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"\0\0\x01\0", "an icon file"),
    (b"%PDF", "a PDF document"),
    (b"<svg", "an SVG drawing"),
    (b"qoif", "a QOI picture"),
)


def sniff(data: bytes) -> Source:
    """Name the format of `data`.

    Raises:
        UnreadablePicture: empty, or nothing we know.
        UnsupportedPicture: known, and not read here (HEIC, JPEG XL, PDF, ...).
    """
    if not data:
        raise UnreadablePicture(f"the file is empty; expected a {READABLE} picture")
    for magic, source in _MAGIC:
        if data.startswith(magic):
            return source
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _from_brands(data)
    for magic, name in _REFUSED:
        if data.startswith(magic):
            raise UnsupportedPicture(f"the file is {name}; convert it to PNG or JPEG first")
    raise UnreadablePicture(
        f"the file is no picture that we know (it begins with {_beginning(data)}); "
        f"expected {READABLE}"
    )


def _from_brands(data: bytes) -> Source:
    size = min(int.from_bytes(data[:4], "big"), 256, len(data))
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, size - 3, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        raise UnsupportedPicture(
            "the file is a HEIC picture, which needs a licensed decoder; "
            "convert it to JPEG or AVIF first"
        )
    brand = data[8:12].decode("ascii", "replace")
    raise UnsupportedPicture(
        f"the file is a video or another media file (brand {brand!r}); expected {READABLE}"
    )


def _beginning(data: bytes) -> str:
    head = data[:8]
    if all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head):
        return repr(head.decode("ascii"))
    return head.hex(" ")
