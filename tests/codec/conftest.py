"""Pictures made by code: nothing here is anyone's photograph."""

import io
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from provenance.codec.colour import srgb_profile


def pixels(width=48, height=32):
    """Smooth colour with a little texture; no two channels alike, no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / max(width - 1, 1)
    green = 255 * y / max(height - 1, 1)
    blue = 127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


def ramp(width=48, height=32):
    """Gray, from dark to light and back."""
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 5 + y * 3) % 256).astype(np.uint8)


def saved(image, kind, **options):
    """The bytes of a Pillow image or an array."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, body=b""):
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows, *extra):
    """A PNG by hand: `rows` are unfiltered bytes, `extra` chunks stand before IDAT."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = b"".join(b"\0" + row for row in rows)
    idat = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + idat + chunk(b"IEND")


def tiff(tags, *, order="<", following=0):
    """A TIFF directory by hand: (tag, type, value) with values that fit in place.

    What is appended to it begins at byte 14 + 12 * len(tags).
    """
    kinds = {3: "H", 4: "I"}
    body = b""
    for tag, kind, value in sorted(tags):
        packed = struct.pack(order + kinds[kind], value).ljust(4, b"\0")
        body += struct.pack(order + "HHI", tag, kind, 1) + packed
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "I", 8) + struct.pack(order + "H", len(tags))
    return head + body + struct.pack(order + "I", following)


# ICC profiles by hand. Source: ICC.1:2010, clauses 7.2, 10.5, 10.8 and 10.15.


def swapped_rgb():
    """sRGB with red and green exchanged, so that a conversion is plain to see."""
    return (
        srgb_profile().replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    )


def assembled(kind, space, pcs, tags):
    """A version 2 profile of the given tags."""
    tags = {
        b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(78 + 3),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
        **tags,
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI", at + len(body), b"test", 0x02400000) + kind + space + pcs
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def linear_gray():
    """Gray whose values are proportional to light."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 256) + b"\0\0"
    return assembled(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def odd_cmyk():
    """Ink K alone prints a middle gray (L* 50), no ink is white, every other mixture black."""
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"".join(bytes([{0: 255, 1: 128}.get(corner, 0), 128, 128]) for corner in range(16))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + lut + identity * 3
    return assembled(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


@pytest.fixture(scope="session")
def made():
    """The makers of test pictures."""
    makers = (pixels, ramp, saved, chunk, png, tiff, swapped_rgb, linear_gray, odd_cmyk)
    return SimpleNamespace(**{maker.__name__: maker for maker in makers})


@pytest.fixture(scope="session")
def animations():
    """Two frames in each format that can hold them."""
    first, second = Image.fromarray(pixels()), Image.fromarray(pixels()[::-1])
    several = {"save_all": True, "append_images": [second]}
    return {
        "GIF": saved(first.convert("P"), "GIF", save_all=True, append_images=[second.convert("P")]),
        "PNG": saved(first, "PNG", **several),
        "WEBP": saved(first, "WEBP", **several),
        "AVIF": saved(first, "AVIF", **several),
        "TIFF": saved(first, "TIFF", **several),
    }


@pytest.fixture(scope="session")
def stills():
    """One small picture in each format and coding that we read."""
    colour = Image.fromarray(pixels())
    clear = colour.copy()
    clear.putalpha(Image.fromarray(ramp()))
    return {
        "png": saved(colour, "PNG"),
        "png palette": saved(colour.convert("P"), "PNG"),
        "png alpha": saved(clear, "PNG"),
        "jpeg": saved(colour, "JPEG", quality=90),
        "jpeg progressive": saved(colour, "JPEG", progressive=True, subsampling="4:4:4"),
        "jpeg cmyk": saved(colour.convert("CMYK"), "JPEG"),
        "webp": saved(colour, "WEBP"),
        "webp lossless": saved(clear, "WEBP", lossless=True),
        "avif": saved(colour, "AVIF", speed=10),
        "tiff": saved(colour, "TIFF"),
        "tiff deflate": saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "gif": saved(colour.convert("P"), "GIF"),
        "bmp": saved(colour, "BMP"),
    }
