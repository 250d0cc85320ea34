"""`Picture`: its promise, and the ways in and out that are not files."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from provenance.codec.decode import Limits
from provenance.errors import InputError, UnreadablePicture, UnsupportedPicture
from provenance.picture import EncodedPicture, Encoding, Metadata, Picture


@pytest.fixture
def pixels():
    return np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3


@pytest.fixture
def alpha():
    return np.arange(4 * 6, dtype=np.uint8).reshape(4, 6) * 10


# The promise


def test_width_and_height(pixels):
    picture = Picture(pixels)
    assert (picture.width, picture.height) == (6, 4)
    assert picture.alpha is None
    assert picture.encoding == Encoding("PNG")
    assert picture.metadata == Metadata()


def test_planes_are_contiguous_and_read_only(pixels, alpha):
    picture = Picture(pixels[:, ::-1], alpha[::-1])
    for plane in (picture.pixels, picture.alpha):
        assert plane.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            plane[0] = 0
    assert np.array_equal(picture.pixels, pixels[:, ::-1])


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 4), (4, 6, 1), (1, 4, 6, 3)])
def test_other_shapes_of_pixels(shape):
    with pytest.raises(ValueError, match=r"expected H×W×3 uint8"):
        Picture(np.zeros(shape, dtype=np.uint8))


def test_other_types_of_pixels(pixels):
    with pytest.raises(ValueError, match=r"type float64; expected H×W×3 uint8"):
        Picture(pixels / 255)


@pytest.mark.parametrize("shape", [(0, 6, 3), (4, 0, 3)])
def test_no_pixels_at_all(shape):
    with pytest.raises(ValueError, match=r"expected at least 1×1"):
        Picture(np.zeros(shape, dtype=np.uint8))


def test_alpha_of_another_shape_or_type(pixels, alpha):
    with pytest.raises(ValueError, match=r"alpha has shape \(6, 4\)"):
        Picture(pixels, alpha.T)
    with pytest.raises(ValueError, match=r"type float64"):
        Picture(pixels, alpha / 255)


def test_other_pixels_of_the_same_size(pixels, alpha):
    picture = Picture(pixels, alpha, gray=True, notes=("note",))
    other = picture.with_pixels(255 - pixels)
    assert np.array_equal(other.pixels, 255 - pixels)
    assert np.array_equal(other.alpha, alpha)
    assert (other.gray, other.notes) == (True, ("note",))
    with pytest.raises(ValueError, match=r"expected \(4, 6, 3\)"):
        picture.with_pixels(pixels[1:])


def test_pictures_cross_processes(pixels, alpha):
    again = pickle.loads(pickle.dumps(Picture(pixels, alpha)))
    assert np.array_equal(again.pixels, pixels)
    assert np.array_equal(again.alpha, alpha)


def test_bytes_are_not_printed():
    encoded = EncodedPicture(b"secret", Encoding("WEBP"), 1, 1)
    assert "secret" not in repr(encoded)
    assert encoded.media_type == "image/webp"


# Arrays


def test_arrays_of_bytes(pixels, alpha):
    assert np.array_equal(Picture.from_array(pixels).pixels, pixels)
    both = Picture.from_array(np.dstack([pixels, alpha]))
    assert np.array_equal(both.pixels, pixels)
    assert np.array_equal(both.alpha, alpha)
    assert not both.gray


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_arrays_of_one_channel_are_gray(alpha, shape):
    picture = Picture.from_array(alpha.reshape(shape))
    assert picture.gray
    for channel in range(3):
        assert np.array_equal(picture.pixels[:, :, channel], alpha)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_arrays_of_floats_are_rounded(kind):
    values = np.array([[0, 0.001, 0.0021, 0.5, 0.999, 1]], dtype=kind)
    assert Picture.from_array(values).pixels[0, :, 0].tolist() == [0, 0, 1, 128, 255, 255]


@given(arrays.arrays(np.uint8, (3, 5, 3)))
@settings(max_examples=30, deadline=None)
def test_floats_and_bytes_agree(values):
    assert np.array_equal(Picture.from_array(values / np.float32(255)).pixels, values)


def test_arrays_of_truth():
    assert Picture.from_array(np.array([[False, True]])).pixels[0, :, 1].tolist() == [0, 255]


def test_arrays_are_copied(pixels):
    original = pixels.copy()
    picture = Picture.from_array(pixels)
    pixels[:] = 0
    assert np.array_equal(picture.pixels, original)


def test_an_opaque_fourth_channel_is_dropped(pixels):
    opaque = np.full((4, 6), 255, dtype=np.uint8)
    assert Picture.from_array(np.dstack([pixels, opaque])).alpha is None


@pytest.mark.parametrize("shape", [(6,), (4, 6, 2), (4, 6, 5), (1, 4, 6, 3), ()])
def test_arrays_of_other_shapes(shape):
    with pytest.raises(ValueError, match=r"expected H×W, H×W×1, H×W×3 or H×W×4"):
        Picture.from_array(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int8, np.complex64, object])
def test_arrays_of_other_types(kind):
    with pytest.raises(ValueError, match=r"expected uint8, bool, or floats in \[0, 1\]"):
        Picture.from_array(np.zeros((2, 2), dtype=kind))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.01, 1.01, 255.0])
def test_floats_beyond_zero_to_one(value):
    with pytest.raises(ValueError, match=r"expected \[0, 1\]"):
        Picture.from_array(np.array([[0.5, value]]))


def test_an_empty_array():
    for kind in (np.uint8, np.float32):
        with pytest.raises(ValueError, match=r"at least 1×1"):
            Picture.from_array(np.zeros((0, 4, 3), dtype=kind))


# Pillow


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_pillow_and_back(pixels, alpha, mode):
    image = Image.fromarray(pixels)
    image.putalpha(Image.fromarray(alpha))
    image = image.convert(mode)
    picture = Picture.from_pil(image)
    assert picture.to_pil().mode == mode
    assert picture.to_pil().tobytes() == image.tobytes()
    assert picture.gray == mode.startswith("L")


MODES = "1 L LA La P PA RGB RGBA RGBa RGBX CMYK YCbCr HSV LAB I;16 F"


@pytest.mark.parametrize("mode", MODES.split(" "))
def test_every_mode_of_pillow(mode):
    picture = Picture.from_pil(Image.new(mode, (5, 3)))
    assert picture.pixels.shape == (3, 5, 3)
    assert (picture.pixels == picture.pixels[0, 0]).all()


def test_whole_numbers_without_a_white():
    with pytest.raises(UnsupportedPicture, match=r"whose white is not defined"):
        Picture.from_pil(Image.new("I", (5, 3)))


def test_transparency_beside_the_pixels():
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (9, 9, 9))
    image.info["transparency"] = (9, 9, 9)
    assert Picture.from_pil(image).alpha.tolist() == [[255, 0]]
    gray = Image.new("L", (2, 1), 5)
    gray.putpixel((1, 0), 9)
    gray.info["transparency"] = 9
    assert Picture.from_pil(gray).alpha.tolist() == [[255, 0]]


def test_a_pillow_image_keeps_its_metadata_and_is_turned(pixels):
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", exif=tags)
    buffer.seek(0)
    picture = Picture.from_pil(Image.open(buffer))
    assert np.array_equal(picture.pixels, np.rot90(pixels, -1))
    assert b"Maker" in picture.metadata.exif


def test_a_pillow_image_whose_file_is_damaged(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((300, 300)).save(buffer, "JPEG")
    image = Image.open(io.BytesIO(buffer.getvalue()[:-400]))
    with pytest.raises(UnreadablePicture, match=r"the Pillow image could not be loaded"):
        Picture.from_pil(image)


# Files


def test_opening_a_file_its_name_and_its_bytes(tmp_path, pixels):
    path = tmp_path / "a.bin"
    Image.fromarray(pixels).save(path, "PNG")
    for source in (path, str(path), path.read_bytes()):
        assert np.array_equal(Picture.open(source).pixels, pixels)


def test_opening_obeys_limits(tmp_path, pixels):
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError, match=r"the limit is 23 in all"):
            Picture.open(source, limits=Limits(max_pixels=23))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_refused_politely(data):
    with pytest.raises(InputError):
        Picture.open(data)
