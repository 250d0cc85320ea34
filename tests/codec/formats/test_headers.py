"""What headers say, and the lies in them that are refused."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from provenance.codec.decode import decode
from provenance.codec.formats import avif, bmp, gif, jpeg, png, tiff, webp
from provenance.codec.formats.header import Header
from provenance.errors import UnreadablePicture, UnsupportedPicture

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def riff(*chunks):
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) & 1) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def avif_of(*properties):
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", b"".join(properties))))
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + meta


ISPE = box(b"ispe", struct.pack(">III", 0, 8, 4))


# JPEG


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 60, 75, 80, 85, 90, 92, 95, 99, 100])
def test_quality_is_found_from_the_tables(made, quality):
    data = made.saved(made.pixels(), "JPEG", quality=quality)
    image = Image.open(io.BytesIO(data))
    assert jpeg.quality_of(image.quantization[0]) == quality


@pytest.mark.parametrize(("quality", "kept"), [(40, 85), (85, 85), (93, 93), (100, 100)])
def test_quality_is_kept_and_never_below_85(made, quality, kept):
    data = made.saved(made.pixels(), "JPEG", quality=quality)
    assert decode(data).encoding.quality == kept


@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
def test_subsampling_is_kept(made, chroma):
    data = made.saved(made.pixels(), "JPEG", subsampling=chroma)
    assert decode(data).encoding.subsampling == chroma


@pytest.mark.parametrize(
    ("factors", "chroma"),
    [
        ([(1, 1)], "4:4:4"),
        ([(2, 2)], "4:4:4"),
        ([(1, 1), (1, 1), (1, 1)], "4:4:4"),
        ([(2, 1), (1, 1), (1, 1)], "4:2:2"),
        ([(2, 2), (1, 1), (1, 1)], "4:2:0"),
        ([(4, 1), (1, 1), (1, 1)], "4:2:0"),
        ([(1, 2), (1, 1), (1, 1)], "4:2:0"),
        ([(2, 2), (2, 2), (2, 2)], "4:4:4"),
        ([(2, 2), (2, 1), (2, 1)], "4:2:0"),
        ([(1, 1)] * 4, "4:4:4"),
    ],
)
def test_subsampling_by_factors(factors, chroma):
    layers = [(number, *factor, 0) for number, factor in enumerate(factors)]
    assert jpeg.subsampling_of(layers) == chroma


def test_jpeg_header(made):
    data = made.saved(made.pixels(), "JPEG")
    assert jpeg.probe(data) == Header(48, 32)
    assert jpeg.probe(made.saved(made.ramp(), "JPEG", progressive=True)) == Header(
        48, 32, gray=True
    )


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\xff\xd8\xff", "no frame header"),
        (b"\xff\xd8\xff\xd9", "no frame header"),
        (b"\xff\xd8\xff\xff\xff\x01\xff\xd0\0\xff\xda\0\x04", "no frame header"),
        (b"\xff\xd8\xff\xe0\0\x01" + bytes(20), "segment at byte 2 has length 1"),
    ],
)
def test_jpeg_without_a_frame(data, match):
    with pytest.raises(UnreadablePicture, match=match):
        jpeg.probe(data)


# PNG


def test_png_header(made):
    assert png.probe(made.saved(made.pixels(), "PNG")) == Header(48, 32)
    assert png.probe(made.saved(made.ramp(), "PNG")) == Header(48, 32, gray=True)


def test_png_out_of_order(made):
    good = made.saved(made.pixels(), "PNG")
    first = SIGNATURE + made.chunk(b"IEND")
    with pytest.raises(UnreadablePicture, match="the first chunk is not IHDR"):
        png.probe(first)
    with pytest.raises(UnreadablePicture, match="there is no IDAT chunk"):
        png.probe(good[:33] + made.chunk(b"IEND"))
    with pytest.raises(UnreadablePicture, match="IHDR chunk is too short"):
        png.probe(SIGNATURE + made.chunk(b"IHDR", bytes(5)) + made.chunk(b"IEND"))
    with pytest.raises(UnreadablePicture, match=r"chunk b'IHDR' occurs twice"):
        png.probe(good[:33] + good[8:])
    with pytest.raises(UnreadablePicture, match="ends before its IEND"):
        png.probe(good[:-12])


def test_what_follows_the_end_of_a_png_is_ignored(made):
    data = made.saved(made.pixels(), "PNG")
    assert np.array_equal(decode(data + b"and more" * 99).pixels, made.pixels())


@pytest.mark.parametrize("body", [bytes(8), b"\0\0\0\1", b"\xff" * 8])
def test_a_broken_animation_header(made, body):
    with pytest.raises(UnreadablePicture, match="animation header is broken"):
        png.probe(made.png(1, 1, 8, 0, [b"a"], made.chunk(b"acTL", body)))


def test_a_still_picture_before_an_animation_counts(made):
    animation = made.chunk(b"acTL", bytes([0, 0, 0, 1, 0, 0, 0, 0]))
    control = made.chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    assert png.probe(made.png(1, 1, 8, 0, [b"a"], animation)).frames == 2
    assert png.probe(made.png(1, 1, 8, 0, [b"a"], animation, control)).frames == 1


def test_a_key_that_is_too_short(made):
    with pytest.raises(UnreadablePicture, match="tRNS chunk is too short"):
        png.probe(made.png(1, 1, 8, 2, [b"abc"], made.chunk(b"tRNS", bytes(4))))


def test_hdr_in_a_png_is_noted(made):
    picture = decode(made.png(1, 1, 8, 2, [b"abc"], made.chunk(b"cICP", bytes([9, 16, 0, 1]))))
    assert picture.notes == ("colour is tagged BT.2020 PQ; the values were taken as sRGB",)


# WebP


def test_webp_headers(made):
    image = Image.fromarray(made.pixels())
    assert webp.probe(made.saved(image, "WEBP")) == Header(48, 32)
    assert webp.probe(made.saved(image, "WEBP", lossless=True)) == Header(48, 32, lossless=True)
    extended = made.saved(image, "WEBP", lossless=True, xmp=b"<x/>")
    assert webp.probe(extended) == Header(48, 32, lossless=True)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (riff(), "there is no picture chunk"),
        (riff((b"XMP ", b"abc")), "there is no picture chunk"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "263 bytes announced, 16 found"),
        (b"RIFF\x0c\0\0\0WEBPVP8 \xff\0\0\0", r"chunk b'VP8 ' runs past the end"),
        (riff(*[(b"ABCD", b"")] * 100_001), "more than 100,000 chunks"),
    ],
)
def test_broken_webp(data, match):
    with pytest.raises(UnreadablePicture, match=match):
        webp.probe(data)


# AVIF


def test_avif_headers(made):
    image = Image.fromarray(made.pixels())
    for chroma in ("4:4:4", "4:2:2", "4:2:0"):
        data = made.saved(image, "AVIF", subsampling=chroma)
        assert avif.probe(data) == Header(48, 32, subsampling=chroma)
    gray = made.saved(made.ramp(), "AVIF", subsampling="4:0:0")
    assert avif.probe(gray) == Header(48, 32, gray=True)


def test_avif_of_ten_and_twelve_bits():
    ten = box(b"av1C", bytes([0x81, 0, 0x40, 0]))
    twelve = box(b"av1C", bytes([0x81, 0, 0x60, 0]))
    assert avif.probe(avif_of(ISPE, ten)) == Header(8, 4, depth=10, subsampling="4:4:4")
    assert avif.probe(avif_of(ISPE, twelve)) == Header(8, 4, depth=12, subsampling="4:4:4")


def test_the_largest_item_counts():
    tile = box(b"ispe", struct.pack(">III", 0, 2, 2))
    assert avif.probe(avif_of(tile, ISPE, tile)) == Header(8, 4)


@pytest.mark.parametrize(
    ("primaries", "transfer", "notes"),
    [
        (1, 13, ()),
        (2, 2, ()),
        (9, 16, ("colour is tagged BT.2020 PQ; the values were taken as sRGB",)),
        (12, 13, ("colour is tagged Display P3; the values were taken as sRGB",)),
        (22, 18, ("colour is tagged primaries 22 HLG; the values were taken as sRGB",)),
    ],
)
def test_wide_colour_in_an_avif_is_noted(primaries, transfer, notes):
    colour = box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, 6, 0x80))
    assert avif.probe(avif_of(ISPE, colour)).notes == notes


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (avif_of(), "no item declares its size"),
        (avif_of(struct.pack(">I", 4) + b"ispe"), r"box b'ispe' runs past the end"),
        (avif_of(ISPE)[:-1], r"box b'meta' runs past the end"),
        (avif_of(ISPE) + box(b"free", b"") * 10_001, "more than 10,000 boxes"),
    ],
)
def test_broken_avif(data, match):
    with pytest.raises(UnreadablePicture, match=match):
        avif.probe(data)


def test_boxes_of_64_bits_and_to_the_end():
    long = struct.pack(">I4sQ", 1, b"free", 20) + bytes(4)
    last = struct.pack(">I4s", 0, b"mdat") + bytes(9)
    assert avif.probe(box(b"ftyp", b"avif") + long + avif_of(ISPE) + last) == Header(8, 4)


# TIFF

SIZE = [(256, 4, 8), (257, 3, 4), (258, 3, 8), (262, 3, 1)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_headers(made, order):
    assert tiff.probe(made.tiff(SIZE, order=order)) == Header(8, 4, gray=True)


def test_big_tiff():
    entries = [(256, 4, 8), (257, 4, 4), (258, 3, 16), (262, 3, 2)]
    body = struct.pack("<Q", len(entries))
    for tag, kind, value in entries:
        body += struct.pack("<HHQQ", tag, kind, 1, value)
    data = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + body + bytes(8)
    assert tiff.probe(data) == Header(8, 4, depth=16)


def test_directories_that_lead_in_a_circle(made):
    assert tiff.probe(made.tiff(SIZE, following=8)).frames == 1


def test_a_preview_after_the_picture_is_no_page(made):
    first = made.tiff(SIZE, following=14 + 12 * len(SIZE))
    for kind, frames in ((0, 2), (1, 1), (2, 2), (4, 1)):
        second = made.tiff([*SIZE, (254, 4, kind)])[8:]
        assert tiff.probe(first + second).frames == frames


@pytest.mark.parametrize("tag", [(254, 4, 1), (50706, 4, 0x01040000)])
def test_camera_raw_is_refused(made, tag):
    with pytest.raises(UnsupportedPicture, match="camera raw"):
        tiff.probe(made.tiff([*SIZE, tag]))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"II*\0\0\0\0\0", "there is no picture directory"),
        (b"II*\0\xff\0\0\0", "runs past the end"),
        (b"II*\0", "there is no picture directory"),
    ],
)
def test_broken_tiff(data, match):
    with pytest.raises(UnreadablePicture, match=match):
        tiff.probe(data)


def test_a_tiff_without_a_size(made):
    with pytest.raises(UnreadablePicture, match="it says 0x0 pixels"):
        decode(made.tiff([(262, 3, 1)]))


# GIF and BMP


def test_gif_headers(made, animations):
    still = made.saved(Image.fromarray(made.pixels()).convert("P"), "GIF", comment=b"hello")
    assert gif.probe(still) == Header(48, 32)
    assert gif.probe(animations["GIF"]) == Header(48, 32, frames=2)


def test_frames_are_counted_up_to_a_thousand():
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0"
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame * 5_000 + b";"
    assert gif.probe(data).frames == 1_000


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"GIF89a\1\0\1\0", "ends inside its header"),
        (b"GIF89a\1\0\1\0\0\0\0", "there is no frame"),
        (b"GIF89a\1\0\1\0\0\0\0;", "there is no frame"),
        (b"GIF89a\1\0\1\0\0\0\0" + b"\0" * 100_001, "there is no frame"),
        (b"GIF89a\1\0\1\0\0\0\0," + struct.pack("<HHHHB", 1, 0, 1, 1, 0), "outside the canvas"),
    ],
)
def test_broken_gif(data, match):
    with pytest.raises(UnreadablePicture, match=match):
        gif.probe(data)


def test_bmp_headers(made):
    assert bmp.probe(made.saved(made.pixels(), "BMP")) == Header(48, 32)
    core = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 5, 7, 1, 24)
    assert bmp.probe(core) == Header(5, 7)
    with pytest.raises(UnreadablePicture, match="ends inside its header"):
        bmp.probe(core[:-1])
