"""The format is told by content, and what is not ours is refused by name."""

import pytest

from provenance.codec.sniff import sniff
from provenance.errors import UnreadablePicture, UnsupportedPicture


def test_every_format_is_known_by_its_bytes(stills):
    found = {name: sniff(data) for name, data in stills.items()}
    assert found == {name: name.split()[0].upper() for name in stills}


def test_zero_bytes():
    with pytest.raises(UnreadablePicture, match=r"^the file is empty; expected a PNG, JPEG, "):
        sniff(b"")


def test_text_named_png():
    with pytest.raises(UnreadablePicture, match=r"begins with 'This is '"):
        sniff(b"This is a shopping list\n")


def test_binary_rubbish_is_shown_in_hexadecimal():
    with pytest.raises(UnreadablePicture, match=r"begins with 00 01 02 ff 04 05 06 07"):
        sniff(bytes([0, 1, 2, 255, 4, 5, 6, 7]))


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc"])
def test_heic_is_recognised_and_refused(brand):
    box = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic"
    with pytest.raises(UnsupportedPicture, match=r"HEIC picture.*convert it to JPEG or AVIF"):
        sniff(box)


def test_avif_under_a_general_brand():
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "AVIF"


def test_a_video_is_refused():
    with pytest.raises(UnsupportedPicture, match=r"a video .*brand 'isom'"):
        sniff(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture"),
        (b"8BPS\0\x01", "a Photoshop document"),
        (b"<svg xmlns=", "an SVG drawing"),
    ],
)
def test_others_are_refused_by_name(data, name):
    with pytest.raises(UnsupportedPicture, match=name):
        sniff(data)


def test_text_that_begins_with_bm_is_no_bitmap():
    with pytest.raises(UnreadablePicture, match=r"begins with 'BMW and '"):
        sniff(b"BMW and other makes of cars, in alphabetical order")
