"""EXIF without orientation and thumbnail; XMP; text."""

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from provenance.codec.decode import decode
from provenance.codec.metadata import clean_exif, clean_text, clean_xmp

THUMBNAIL = b"\xff\xd8\xff\xe0 a picture of how it looked before the crop \xff\xd9"


def exif(orientation=6, *, order="<", thumbnail=True, tail=b"", model=b"Cameras\0"):
    """A block with model, orientation and software, and a thumbnail in a second directory."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    values = 8 + 2 + 3 * 12 + 4
    second = values + len(model)
    body = struct.pack(order + "H", 3)
    body += struct.pack(order + "HHII", 0x0110, 2, len(model), values)
    body += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    body += struct.pack(order + "HHI4s", 0x0131, 2, 4, b"abc\0")
    body += struct.pack(order + "I", second if thumbnail else 0) + model
    if thumbnail:
        at = second + 2 + 2 * 12 + 4
        body += struct.pack(order + "H", 2)
        body += struct.pack(order + "HHII", 0x0201, 4, 1, at)
        body += struct.pack(order + "HHII", 0x0202, 4, 1, len(THUMBNAIL))
        body += bytes(4) + THUMBNAIL
    return head + body + tail


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_orientation_and_thumbnail_are_taken_out(order, prefix):
    found = clean_exif(prefix + exif(order=order))
    assert found.orientation == 6
    assert found.notes == ()
    assert THUMBNAIL[4:40] not in found.data
    read = Image.Exif()
    read.load(found.data)
    assert dict(read) == {0x0110: "Cameras", 0x0131: "abc"}
    assert read.get_ifd(1) == {}


def test_a_thumbnail_amid_the_block_is_blanked(made):
    block = exif(tail=b"maker note")
    found = clean_exif(block)
    assert len(found.data) == len(block)
    assert found.data.endswith(b"maker note")
    assert THUMBNAIL[4:40] not in found.data


def test_nothing_to_take_out():
    block = exif(1, thumbnail=False)
    once = clean_exif(block)
    assert once.orientation == 1
    assert clean_exif(once.data) == once


@pytest.mark.parametrize("block", [None, b""])
def test_no_exif(block):
    found = clean_exif(block)
    assert (found.data, found.orientation, found.notes) == (None, 1, ())


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_upright(orientation):
    assert clean_exif(exif(orientation)).orientation == 1


@pytest.mark.parametrize(
    "block", [b"rubbish", b"II*\0", b"II*\0\xff\xff\0\0", b"MM\0*" + b"\xff" * 9]
)
def test_a_damaged_block_is_ignored(block):
    found = clean_exif(block)
    assert (found.data, found.orientation) == (None, 1)
    assert found.notes == ("the EXIF block is damaged; it was ignored",)


def test_a_block_of_megabytes_is_ignored():
    found = clean_exif(exif(tail=bytes(1 << 20)))
    assert found.data is None
    assert len(found.notes) == 1


def test_a_block_of_orientation_alone_is_no_block():
    block = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 8, 0) + bytes(4)
    found = clean_exif(block)
    assert (found.data, found.orientation) == (None, 8)


def test_any_damage_to_a_block_is_survived():
    chance = random.Random(5)
    for _ in range(2_000):
        block = bytearray(exif(tail=b"tail"))
        for _ in range(chance.randint(1, 6)):
            block[chance.randrange(4, len(block))] = chance.choice([0, 1, 8, 127, 255])
        found = clean_exif(bytes(block))
        assert found.orientation in range(1, 9)


# Through decode


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(made, kind, orientation):
    """Against Pillow's own turning of the same pixels."""
    image = Image.fromarray(made.pixels())
    tags = Image.Exif()
    tags[0x0112] = orientation
    data = made.saved(image, kind, exif=tags, quality=95, lossless=True)
    with Image.open(io.BytesIO(data)) as reopened:
        expected = np.asarray(ImageOps.exif_transpose(reopened).convert("RGB"))
    picture = decode(data)
    assert np.array_equal(picture.pixels, expected)
    assert (picture.width, picture.height) == ((32, 48) if orientation > 4 else (48, 32))
    if picture.metadata.exif is not None:
        assert clean_exif(picture.metadata.exif).orientation == 1


def test_alpha_is_turned_with_the_pixels(made):
    image = Image.fromarray(made.pixels())
    image.putalpha(Image.fromarray(made.ramp()))
    tags = Image.Exif()
    tags[0x0112] = 6
    picture = decode(made.saved(image, "PNG", exif=tags))
    assert np.array_equal(picture.alpha, np.rot90(made.ramp(), -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_and_xmp_are_kept(made, kind):
    block = exif(thumbnail=False)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    options = {"xmp": xmp}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": text}
    data = made.saved(made.pixels(), kind, exif=b"Exif\0\0" + block, **options)
    metadata = decode(data).metadata
    assert metadata.xmp == xmp
    assert metadata.text == {}
    read = Image.Exif()
    read.load(metadata.exif)
    assert read[0x0110] == "Cameras"
    assert 0x0112 not in read


def test_a_tiff_keeps_what_describes_the_picture(made):
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags[0x0112] = 3
    tags[0x8769] = {0x9286: b"ASCII\0\0\0a comment"}
    metadata = decode(made.saved(made.pixels(), "TIFF", exif=tags.tobytes())).metadata
    read = Image.Exif()
    read.load(metadata.exif)
    assert set(read) == {0x010F, 0x8769}
    assert read[0x010F] == "Maker"
    assert read.get_ifd(0x8769) == {0x9286: b"ASCII\0\0\0a comment"}


def test_xmp_of_a_tiff(made):
    data = made.saved(made.pixels(), "TIFF", tiffinfo={700: b"<x/>"})
    assert decode(data).metadata.xmp == b"<x/>"


def test_a_picture_with_damaged_exif_is_read(made):
    data = made.saved(made.pixels(), "JPEG", exif=b"Exif\0\0rubbish")
    picture = decode(data)
    assert picture.width == 48
    assert picture.notes == ("the EXIF block is damaged; it was ignored",)


def test_text_before_and_after_the_pixels(made):
    words = made.chunk(b"tEXt", b"parameters\0a lighthouse")
    data = made.png(1, 1, 8, 2, [b"abc"], words)
    later = made.chunk(b"iTXt", "workflow\0\0\0\0\0d\u00e4mmerung".encode())
    data = data[:-12] + later + data[-12:]
    assert decode(data).metadata.text == {
        "parameters": "a lighthouse",
        "workflow": "d\u00e4mmerung",
    }


def test_xmp_no_longer_asks_for_a_turn():
    packet = b"<a tiff:Orientation='6' b='6'/><tiff:Orientation> 8 </tiff:Orientation>"
    upright = b"<a tiff:Orientation='1' b='6'/><tiff:Orientation> 1 </tiff:Orientation>"
    assert clean_xmp(packet) == (upright, ())
    assert clean_xmp(packet.decode()) == (upright, ())
    assert clean_xmp(None) == (None, ())
    assert clean_xmp(bytes(9 << 20))[0] is None


def test_text_without_end_is_ignored():
    text, notes = clean_text({"a": "b" * (17 << 20)})
    assert text == {}
    assert notes == ("text chunks of 17,825,793 characters are too large; they were ignored",)
