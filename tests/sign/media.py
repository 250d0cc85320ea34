"""The smallest file of each kind that credentials can be put into, made by code."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable

from PIL import Image, TiffImagePlugin

from tests import signed


def _pillow(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


def gif() -> bytes:
    frames = [Image.new("P", (32, 24), n) for n in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def dng() -> bytes:
    """A TIFF with the tag DNGVersion (DNG specification 1.4, chapter 4)."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = bytes([1, 4, 0, 0])
    tags.tagtype[50706] = 1
    return _pillow("TIFF", tiffinfo=tags)


def svg() -> bytes:
    return (
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        b'<rect width="9" height="9" fill="teal"/></svg>\n'
    )


def wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return buffer.getvalue()


def mp3() -> bytes:
    """Silent frames of MPEG 1 layer III: 128 kbit/s at 44.1 kHz are 417 bytes each."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * 20


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _film(brand: bytes) -> bytes:
    """ISO/IEC 14496-12: a movie header without tracks, and media data."""
    header = bytes(12) + struct.pack(">II", 1000, 1000) + struct.pack(">IH", 0x10000, 0x100)
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header += bytes(10) + matrix + bytes(24) + struct.pack(">I", 1)
    return (
        _box(b"ftyp", brand, bytes(4), brand)
        + _box(b"moov", _box(b"mvhd", header))
        + _box(b"mdat", bytes(64))
    )


def bmp() -> bytes:
    """Carries no credentials, in any version of C2PA."""
    return _pillow("BMP")


def pdf() -> bytes:
    return _pillow("PDF")


MADE: dict[str, Callable[[], bytes]] = {
    "jpg": lambda: signed.encoded("JPEG").data,
    "png": lambda: signed.encoded("PNG").data,
    "webp": lambda: signed.encoded("WEBP").data,
    "gif": gif,
    "tiff": lambda: signed.encoded("TIFF").data,
    "avif": lambda: signed.encoded("AVIF").data,
    "dng": dng,
    "svg": svg,
    "mp4": lambda: _film(b"isom"),
    "mov": lambda: _film(b"qt  "),
    "wav": wav,
    "mp3": mp3,
    "pdf": pdf,
}
"""By suffix. HEIC cannot be made here; the shared corpus has one."""
