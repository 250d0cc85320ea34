"""What is written: exactly what was given where the format can, the same bytes every time."""

import io
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from provenance.codec.colour import srgb_profile
from provenance.codec.decode import decode
from provenance.codec.encode import (
    FORMATS_BY_MEDIA_TYPE,
    MEDIA_TYPES,
    SUFFIXES,
    encode,
    encoding_for,
)
from provenance.errors import UnsupportedPicture
from provenance.picture import Encoding, Metadata, Picture

LOSSLESS = [Encoding("PNG"), Encoding("TIFF"), Encoding("WEBP", lossless=True)]
ALL = [*LOSSLESS, Encoding("JPEG"), Encoding("WEBP"), Encoding("AVIF")]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>d\xc3\xa4mmerung</a></x:xmpmeta>'


def name_of(encoding):
    return f"{encoding.format}{' lossless' if encoding.lossless else ''}"


def opened(data):
    return Image.open(io.BytesIO(data))


sides = st.integers(1, 24)
planes = sides.flatmap(lambda h: sides.map(lambda w: (h, w)))


@st.composite
def pictures(draw):
    height, width = draw(planes)
    gray = draw(st.booleans())
    shape = (height, width) if gray else (height, width, 3)
    values = draw(arrays.arrays(np.uint8, shape))
    pixels = np.repeat(values[:, :, None], 3, axis=2) if gray else values
    alpha = draw(st.none() | arrays.arrays(np.uint8, (height, width)))
    return Picture(pixels, alpha, gray=gray)


@settings(max_examples=60, deadline=None)
@given(picture=pictures(), encoding=st.sampled_from(LOSSLESS))
def test_lossless_formats_give_back_what_they_were_given(picture, encoding):
    written = encode(picture, encoding)
    again = decode(written.data)
    assert np.array_equal(again.pixels, picture.pixels)
    opaque = np.full(picture.pixels.shape[:2], 255, dtype=np.uint8)
    alpha = opaque if picture.alpha is None else picture.alpha
    assert np.array_equal(opaque if again.alpha is None else again.alpha, alpha)
    assert again.gray == (picture.gray and encoding.format != "WEBP")
    assert again.encoding == encoding
    assert (written.width, written.height) == (picture.width, picture.height)


@settings(max_examples=40, deadline=None)
@given(picture=pictures(), encoding=st.sampled_from(ALL))
def test_every_picture_that_fits_is_written_and_read(picture, encoding):
    transparent = picture.alpha is not None and picture.alpha.min() < 255
    if encoding.format == "JPEG" and transparent:
        with pytest.raises(UnsupportedPicture):
            encode(picture, encoding)
        return
    again = decode(encode(picture, encoding).data)
    assert again.pixels.shape == picture.pixels.shape
    assert again.encoding.format == encoding.format


@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_the_same_picture_gives_the_same_bytes(made, encoding):
    picture = Picture(made.pixels(), metadata=Metadata(exif=None, xmp=XMP))
    first = encode(picture, encoding, keep_metadata=True).data
    assert encode(picture, encoding, keep_metadata=True).data == first


@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_lossy_formats_stay_near(made, encoding):
    again = decode(encode(Picture(made.pixels(256, 256)), encoding).data)
    error = np.mean((again.pixels.astype(float) - made.pixels(256, 256)) ** 2)
    assert error < 10  # 38 dB


@pytest.mark.parametrize(
    "encoding", [Encoding("PNG"), Encoding("WEBP"), Encoding("AVIF"), Encoding("TIFF")], ids=name_of
)
def test_alpha_is_written(made, encoding):
    again = decode(encode(Picture(made.pixels(), made.ramp()), encoding).data)
    assert np.abs(again.alpha.astype(int) - made.ramp()).max() <= (encoding.format == "AVIF") * 40


def test_colour_under_full_transparency_survives(made):
    clear = np.zeros((32, 48), dtype=np.uint8)
    again = decode(encode(Picture(made.pixels(), clear), Encoding("WEBP", lossless=True)).data)
    assert np.array_equal(again.pixels, made.pixels())
    assert np.array_equal(again.alpha, clear)


def test_jpeg_and_transparency(made):
    with pytest.raises(UnsupportedPicture) as caught:
        encode(Picture(made.pixels(), made.ramp()), Encoding("JPEG"))
    assert str(caught.value) == (
        "JPEG cannot hold transparency; use .png, .webp or .avif, or flatten the picture first"
    )
    opaque = np.full((32, 48), 255, dtype=np.uint8)
    plain = encode(Picture(made.pixels()), Encoding("JPEG")).data
    assert encode(Picture(made.pixels(), opaque), Encoding("JPEG")).data == plain


@pytest.mark.parametrize(
    ("encoding", "modes"),
    [
        (Encoding("PNG"), ("L", "LA")),
        (Encoding("TIFF"), ("L", "LA")),
        (Encoding("JPEG"), ("L", None)),
        (Encoding("WEBP"), ("RGB", "RGBA")),
    ],
    ids=lambda value: name_of(value) if isinstance(value, Encoding) else "",
)
def test_gray_is_written_as_gray(made, encoding, modes):
    gray = Picture.from_array(made.ramp())
    assert opened(encode(gray, encoding).data).mode == modes[0]
    if modes[1]:
        both = Picture(gray.pixels, made.ramp(), gray=True)
        assert opened(encode(both, encoding).data).mode == modes[1]


def test_gray_whose_channels_differ_is_written_by_its_luma(made):
    written = encode(Picture(made.pixels(), gray=True), Encoding("PNG")).data
    expected = np.asarray(Image.fromarray(made.pixels()).convert("L"))
    assert np.array_equal(decode(written).pixels[:, :, 0], expected)


@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_settings_are_obeyed(made, chroma, progressive):
    asked = Encoding("JPEG", quality=88, subsampling=chroma, progressive=progressive)
    written = encode(Picture(made.pixels()), asked)
    assert written.encoding == asked
    assert decode(written.data).encoding == asked


@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
def test_avif_chroma_is_obeyed(made, chroma):
    written = encode(Picture(made.pixels()), Encoding("AVIF", subsampling=chroma))
    assert decode(written.data).encoding.subsampling == chroma


def test_quality_is_filled_in(made):
    picture = Picture(made.pixels())
    found = {name_of(e): encode(picture, e).encoding.quality for e in ALL}
    assert found == {
        "PNG": None, "TIFF": None, "WEBP lossless": None, "JPEG": 92, "WEBP": 92, "AVIF": 85,
    }  # fmt: skip


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_out_of_range(made, quality):
    with pytest.raises(UnsupportedPicture, match=rf"quality is {quality}; expected 1 to 100"):
        encode(Picture(made.pixels()), Encoding("JPEG", quality=quality))


def test_lossless_avif_is_refused(made):
    with pytest.raises(UnsupportedPicture, match=r"AVIF is written with loss only"):
        encode(Picture(made.pixels()), Encoding("AVIF", lossless=True))


@pytest.mark.parametrize(
    ("kind", "side", "limit"),
    [("WEBP", 16_384, "16,383"), ("JPEG", 65_501, "65,500"), ("AVIF", 32_769, "32,768")],
)
def test_a_side_too_long_for_the_format(kind, side, limit):
    picture = Picture(np.zeros((1, side, 3), dtype=np.uint8))
    name = {"WEBP": "WebP"}.get(kind, kind)
    with pytest.raises(UnsupportedPicture) as caught:
        encode(picture, Encoding(kind))
    assert str(caught.value) == (
        f"the picture has {side:,}x1 pixels, {name} holds {limit} a side; use .png or scale it down"
    )


@pytest.mark.parametrize(("kind", "side"), [("WEBP", 16_383), ("JPEG", 65_500), ("PNG", 70_000)])
def test_the_longest_side_that_fits(kind, side):
    picture = Picture(np.zeros((1, side, 3), dtype=np.uint8))
    assert opened(encode(picture, Encoding(kind)).data).size == (side, 1)


# Metadata


@pytest.fixture
def described(made):
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags[0x8769] = {0x9003: "2026:01:02 03:04:05"}
    text = {"parameters": "a lighthouse", "Comment": "d\u00e4mmerung \u2014 \u706f\u53f0"}
    exif = tags.tobytes().removeprefix(b"Exif\0\0")
    return Picture(made.pixels(), metadata=Metadata(exif, b"<source/>", text))


@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_metadata_of_the_source_is_dropped(described, encoding):
    assert decode(encode(described, encoding).data).metadata == Metadata()


@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_metadata_of_the_source_is_kept_on_request(described, encoding):
    found = decode(encode(described, encoding, keep_metadata=True).data).metadata
    assert found.xmp == b"<source/>"
    assert found.text == (described.metadata.text if encoding.format == "PNG" else {})
    read = Image.Exif()
    read.load(found.exif)
    assert read[0x010F] == "Maker"
    assert read.get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05"}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_a_packet_that_is_given_is_written(described, encoding, keep):
    found = decode(encode(described, encoding, keep_metadata=keep, xmp=XMP).data).metadata
    assert found.xmp == XMP
    assert (found.exif is not None) == keep


def test_metadata_too_long_for_jpeg(described):
    with pytest.raises(
        UnsupportedPicture, match=r"the XMP block has 65,505 bytes, JPEG holds 65,504"
    ):
        encode(described, Encoding("JPEG"), xmp=b" " * 65_505)
    written = encode(described, Encoding("JPEG"), xmp=b" " * 65_504).data
    assert decode(written).metadata.xmp == b" " * 65_504
    long = Picture(described.pixels, metadata=Metadata(exif=bytes(65_528)))
    with pytest.raises(UnsupportedPicture, match=r"the EXIF block has 65,528 bytes"):
        encode(long, Encoding("JPEG"), keep_metadata=True)


def test_what_pillow_cannot_write_is_refused(described):
    broken = Picture(described.pixels, metadata=Metadata(text={"\u706f": "key beyond Latin-1"}))
    with pytest.raises(UnsupportedPicture, match=r"could not be written as PNG"):
        encode(broken, Encoding("PNG"), keep_metadata=True)


@pytest.mark.parametrize("encoding", ALL, ids=name_of)
def test_a_profile_only_where_the_source_had_one(made, encoding):
    picture = Picture(made.pixels())
    assert "icc_profile" not in opened(encode(picture, encoding).data).info
    tagged = encode(picture, replace(encoding, embed_srgb=True)).data
    assert opened(tagged).info["icc_profile"] == srgb_profile()
    assert decode(tagged).encoding.embed_srgb


def test_gray_gets_no_profile_for_colours(made):
    data = encode(Picture.from_array(made.ramp()), Encoding("PNG", embed_srgb=True)).data
    assert "icc_profile" not in opened(data).info


# Names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "PNG"), ("a.PNG", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG"),
        ("a.b.webp", "WEBP"), (".avif", "AVIF"), ("/x.y/a.tif", "TIFF"), (".TIFF", "TIFF"),
    ],
)  # fmt: skip
def test_the_name_tells_the_format(name, kind):
    assert encoding_for(name) == Encoding(kind)


def test_the_settings_of_the_source_are_kept_within_its_format():
    like = Encoding("JPEG", quality=88, subsampling="4:2:0", progressive=True, embed_srgb=True)
    assert encoding_for("a.jpg", like) == like
    assert encoding_for("a.webp", like) == Encoding("WEBP", embed_srgb=True)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.gif", "'.gif' files are not written"),
        ("a.heic", "'.heic' files are not written"),
        ("png", "'png' has no suffix"),
        ("", "'' has no suffix"),
    ],
)
def test_names_that_we_do_not_write(name, found):
    with pytest.raises(UnsupportedPicture) as caught:
        encoding_for(name)
    assert str(caught.value) == (f"{found}; use one of .png .jpg .jpeg .webp .avif .tif .tiff")


def test_tables_of_names_agree():
    assert SUFFIXES.keys() == MEDIA_TYPES.keys()
    assert {encoding_for(suffix).format for suffix in SUFFIXES.values()} == SUFFIXES.keys()
    assert {FORMATS_BY_MEDIA_TYPE[name] for name in MEDIA_TYPES.values()} == MEDIA_TYPES.keys()
    for kind, media_type in MEDIA_TYPES.items():
        assert (
            encode(Picture(np.zeros((8, 8, 3), np.uint8)), Encoding(kind)).media_type == media_type
        )


def test_avif_takes_less_than_a_second(made):
    noise = np.random.default_rng(1).integers(0, 60, (1024, 1024, 3), dtype=np.uint8)
    picture = Picture(made.pixels(1024, 1024) // 2 + noise)
    start = time.process_time()
    encode(picture, Encoding("AVIF"))
    assert time.process_time() - start < 3  # 0.4 on two slow cores; room for busy machines
