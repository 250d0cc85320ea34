"""Every picture becomes sRGB, by its profile."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from provenance.codec.colour import srgb_profile, to_srgb
from provenance.codec.decode import decode

IGNORED = ("the colour profile is damaged or does not fit; it was ignored",)
CONVERTED = ("colours converted to sRGB by the embedded profile",)


def test_the_srgb_profile_is_small_and_always_the_same():
    profile = srgb_profile()
    assert len(profile) < 1024
    assert profile[24:36].hex() == "07d000010001000000000000"
    srgb_profile.cache_clear()
    assert srgb_profile() == profile


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_colours_are_converted_by_the_profile(made, kind):
    """The profile exchanges red and green, and so does its conversion."""
    data = made.saved(made.pixels(), kind, icc_profile=made.swapped_rgb(), lossless=True)
    picture = decode(data)
    exchanged = made.pixels()[:, :, [1, 0, 2]]
    assert np.abs(picture.pixels.astype(int) - exchanged).max() <= 1
    assert picture.notes == CONVERTED
    assert picture.encoding.embed_srgb


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_colours_of_lossy_files_are_converted(made, kind):
    plain = decode(made.saved(made.pixels(), kind, quality=95))
    picture = decode(made.saved(made.pixels(), kind, quality=95, icc_profile=made.swapped_rgb()))
    assert np.abs(picture.pixels.astype(int) - plain.pixels[:, :, [1, 0, 2]]).max() <= 1
    assert picture.notes == CONVERTED


def test_srgb_pixels_are_left_alone(made):
    data = made.saved(made.pixels(), "PNG", icc_profile=srgb_profile())
    picture = decode(data)
    assert np.array_equal(picture.pixels, made.pixels())
    assert picture.notes == ()
    assert picture.encoding.embed_srgb
    assert not decode(made.saved(made.pixels(), "PNG")).encoding.embed_srgb


def test_alpha_passes_by_the_profile(made):
    image = Image.fromarray(made.pixels())
    image.putalpha(Image.fromarray(made.ramp()))
    picture = decode(made.saved(image, "PNG", icc_profile=made.swapped_rgb()))
    assert np.array_equal(picture.alpha, made.ramp())
    assert picture.notes == CONVERTED


def test_a_palette_is_converted(made):
    image = Image.new("P", (1, 1))
    image.putpalette([200, 10, 60])
    picture = decode(made.saved(image, "PNG", icc_profile=made.swapped_rgb()))
    assert np.abs(picture.pixels.astype(int) - [10, 200, 60]).max() <= 1


def test_gray_by_a_gray_profile(made):
    values = np.array([[0, 128, 255]], dtype=np.uint8)
    picture = decode(made.saved(values, "PNG", icc_profile=made.linear_gray()))
    assert picture.pixels[0].tolist() == [[0] * 3, [188] * 3, [255] * 3]  # 0.5 of the light
    assert picture.gray
    assert picture.notes == ("gray tones converted to sRGB by the profile",)


def test_gray_with_an_rgb_profile_stays_gray(made):
    picture = decode(made.saved(made.ramp(), "PNG", icc_profile=srgb_profile()))
    assert picture.gray
    assert np.array_equal(picture.pixels[:, :, 1], made.ramp())
    assert picture.notes == ()


def test_cmyk_by_its_profile(made):
    image = Image.frombytes("CMYK", (3, 1), bytes([0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255]))
    picture = decode(made.saved(image, "TIFF", icc_profile=made.odd_cmyk()))
    assert picture.pixels[0].tolist() == [[255] * 3, [119] * 3, [0] * 3]  # L* 50 is sRGB 119
    assert picture.notes == CONVERTED


@pytest.mark.parametrize(
    "profile", [b"rubbish", bytes(128), srgb_profile()[:200], b"x" * 9_000_000]
)
def test_a_damaged_profile_is_ignored(made, profile):
    image, notes = to_srgb(Image.fromarray(made.pixels()), profile)
    assert np.array_equal(np.asarray(image), made.pixels())
    assert notes == IGNORED


def test_a_profile_of_another_space_is_ignored(made):
    image, notes = to_srgb(Image.fromarray(made.pixels()), made.linear_gray())
    assert np.array_equal(np.asarray(image), made.pixels())
    assert notes == IGNORED
    cmyk, notes = to_srgb(Image.new("CMYK", (1, 1)), srgb_profile())
    assert np.asarray(cmyk).tolist() == [[[255] * 3]]
    assert notes == IGNORED


def test_lab_by_default():
    lab = ImageCms.createProfile("LAB")
    red = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), (200, 30, 40)), ImageCms.createProfile("sRGB"), lab,
        outputMode="LAB",
    )  # fmt: skip
    image, notes = to_srgb(red, None)
    assert np.abs(np.asarray(image).astype(int) - [200, 30, 40]).max() <= 3
    assert notes == ()
