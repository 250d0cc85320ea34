"""What is read, and what each kind of bad input is answered with."""

import io
import os
import socket
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from provenance.codec.decode import Limits, decode, read_bytes
from provenance.codec.formats.png import is_complete
from provenance.errors import InputError, TooLarge, UnreadablePicture, UnsupportedPicture
from provenance.picture import Encoding


def near(a, b):
    """The largest difference between two arrays of bytes."""
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())


# Files


def test_a_file_is_read_whole(tmp_path):
    path = tmp_path / "picture.bin"
    path.write_bytes(b"abc")
    assert read_bytes(path) == b"abc"
    assert read_bytes(str(path)) == b"abc"


def test_an_empty_file_is_read_and_then_refused(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    assert read_bytes(path) == b""
    with pytest.raises(UnreadablePicture, match=r"^the file is empty; expected a PNG"):
        decode(read_bytes(path))


def test_a_missing_file(tmp_path):
    path = tmp_path / "none.png"
    with pytest.raises(InputError) as caught:
        read_bytes(path)
    assert str(caught.value) == f"{path}: there is no such file; check the path"


def test_a_folder(tmp_path):
    with pytest.raises(InputError) as caught:
        read_bytes(tmp_path)
    assert str(caught.value) == f"{tmp_path}: it is a folder, expected a picture file"


def test_a_file_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"a part of the path is not a folder"):
        read_bytes(tmp_path / "file" / "a.png")


def test_a_pipe_does_not_block(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"it is a pipe, socket or device"):
        read_bytes(path)


def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(InputError, match=r"^socket: it is a pipe, socket or device"):
            read_bytes("socket")


def test_a_device():
    with pytest.raises(InputError, match=r"^/dev/zero: it is a pipe, socket or device"):
        read_bytes("/dev/zero")


def test_a_link_that_leads_to_itself(tmp_path):
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(InputError, match=r"symbolic link that leads to itself"):
        read_bytes(path)


def test_a_name_that_no_file_can_have(tmp_path):
    with pytest.raises(InputError, match=r"null"):
        read_bytes("a\0b.png")
    with pytest.raises(InputError, match=r"the name is too long"):
        read_bytes(tmp_path / ("a" * 300))


def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(b"abc")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # nobody: root may read everything
    try:
        with pytest.raises(InputError) as caught:
            read_bytes(path)
    finally:
        if root:
            os.seteuid(0)
    assert str(caught.value) == f"{path}: it may not be read; check its permissions"


def test_a_file_over_the_limit(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(11))
    with pytest.raises(TooLarge, match=r"the file has 11 bytes, the limit is 10;"):
        read_bytes(path, Limits(max_bytes=10))
    assert read_bytes(path, Limits(max_bytes=11)) == bytes(11)


def test_a_file_of_a_terabyte_is_not_read(tmp_path):
    path = tmp_path / "sparse.bin"
    with path.open("wb") as file:
        try:
            file.truncate(1 << 40)
        except OSError:
            pytest.skip("this file system holds no sparse files")
    with pytest.raises(TooLarge, match=r"1,099,511,627,776 bytes"):
        read_bytes(path)


def test_a_file_that_says_nothing_of_its_size():
    """Files in /proc say 0 bytes and hold some."""
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("no /proc here")
    assert read_bytes(path).startswith(b"Name:")
    with pytest.raises(TooLarge):
        read_bytes(path, Limits(max_bytes=10))


# Formats


@pytest.mark.parametrize("name", ["png", "tiff", "tiff deflate", "bmp"])
def test_lossless_formats_are_read_exactly(stills, made, name):
    picture = decode(stills[name])
    assert np.array_equal(picture.pixels, made.pixels())
    assert picture.alpha is None
    assert not picture.gray


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "webp", "avif", "jpeg cmyk"])
def test_lossy_formats_are_read_nearly(stills, made, name):
    picture = decode(stills[name])
    assert near(picture.pixels, made.pixels()) < 40
    assert np.abs(picture.pixels.astype(float) - made.pixels()).mean() < 4


def test_how_each_was_written_is_known(stills):
    found = {name: decode(data).encoding for name, data in stills.items()}
    assert found == {
        "png": Encoding("PNG"),
        "png palette": Encoding("PNG"),
        "png alpha": Encoding("PNG"),
        "jpeg": Encoding("JPEG", quality=90, subsampling="4:2:0"),
        "jpeg progressive": Encoding("JPEG", quality=85, subsampling="4:4:4", progressive=True),
        "jpeg cmyk": Encoding("JPEG", quality=85, subsampling="4:4:4"),
        "webp": Encoding("WEBP"),
        "webp lossless": Encoding("WEBP", lossless=True),
        "avif": Encoding("AVIF", subsampling="4:2:0"),
        "tiff": Encoding("TIFF"),
        "tiff deflate": Encoding("TIFF"),
        "gif": Encoding("PNG"),
        "bmp": Encoding("PNG"),
    }


def test_gif_and_bmp_say_that_they_become_png(stills):
    assert decode(stills["gif"]).notes == (
        "a GIF is written as PNG (a GIF holds 256 colours only)",
    )
    assert decode(stills["bmp"]).notes == ("a BMP is written as PNG",)


def test_nothing_is_noted_where_nothing_changed(stills):
    for name in ("png", "png alpha", "png palette", "jpeg", "webp", "webp lossless", "avif"):
        assert decode(stills[name]).notes == (), name


def test_pixels_cannot_be_written(stills):
    picture = decode(stills["png alpha"])
    assert not picture.pixels.flags.writeable
    assert not picture.alpha.flags.writeable


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"])
def test_a_single_pixel(made, kind):
    image = Image.new("RGB", (1, 1), (200, 100, 50))
    picture = decode(made.saved(image.convert("P") if kind == "GIF" else image, kind))
    assert picture.pixels.shape == (1, 1, 3)
    assert near(picture.pixels, np.full((1, 1, 3), (200, 100, 50))) < 8


# More than one picture


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animations_are_refused(animations, kind):
    with pytest.raises(UnsupportedPicture) as caught:
        decode(animations[kind])
    name = {"WEBP": "WebP"}.get(kind, kind)
    assert str(caught.value) == (
        f"the {name} file holds 2 frames, a single picture was expected; "
        "extract the frames first and pass them one by one"
    )


def test_pages_are_refused(animations):
    with pytest.raises(UnsupportedPicture, match=r"^the TIFF file holds 2 pages, a single"):
        decode(animations["TIFF"])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_the_first_frame_on_request(animations, made, kind):
    picture = decode(animations[kind], first_frame=True)
    unit = "pages" if kind == "TIFF" else "frames"
    assert f"2 {unit} found; only the first was read" in picture.notes
    assert np.abs(picture.pixels.astype(float) - made.pixels()).mean() < 20
    assert near(picture.pixels[0, :1], made.pixels()[0, :1]) < 60  # and not upside down


def test_an_animation_of_one_frame_is_a_picture(made):
    image = Image.fromarray(made.pixels())
    for kind in ("PNG", "WEBP"):
        data = made.saved(image, kind, save_all=True, append_images=[], lossless=True)
        assert np.array_equal(decode(data).pixels, made.pixels())


def test_the_main_picture_of_a_jpeg_with_a_second_one(made):
    first, second = Image.fromarray(made.pixels()), Image.fromarray(made.pixels()[::-1])
    data = made.saved(first, "MPO", save_all=True, append_images=[second], quality=95)
    picture = decode(data)
    assert picture.encoding.format == "JPEG"
    assert picture.notes == ("further pictures in the file (a gain map or preview) were ignored",)
    assert np.abs(picture.pixels.astype(float) - made.pixels()).mean() < 4


# Kinds of pixels


def test_one_bit(made):
    image = Image.fromarray(made.ramp() > 100)
    for kind in ("PNG", "TIFF"):
        picture = decode(made.saved(image, kind))
        assert picture.gray
        assert np.array_equal(picture.pixels[:, :, 1], np.where(made.ramp() > 100, 255, 0))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "AVIF"])
def test_gray_stays_gray(made, kind):
    options = {"subsampling": "4:0:0"} if kind == "AVIF" else {}
    picture = decode(made.saved(made.ramp(), kind, **options))
    assert picture.gray
    assert np.array_equal(picture.pixels[:, :, 0], picture.pixels[:, :, 2])
    if kind in ("PNG", "TIFF"):
        assert np.array_equal(picture.pixels[:, :, 0], made.ramp())


def test_gray_with_alpha(made):
    image = Image.fromarray(made.ramp())
    image.putalpha(Image.fromarray(made.ramp().T.reshape(32, 48)))
    for kind in ("PNG", "TIFF"):
        picture = decode(made.saved(image, kind))
        assert picture.gray
        assert np.array_equal(picture.pixels[:, :, 2], made.ramp())
        assert np.array_equal(picture.alpha, made.ramp().T.reshape(32, 48))


def test_opaque_alpha_is_no_alpha(made):
    image = Image.fromarray(made.pixels()).convert("RGBA")
    for kind in ("PNG", "WEBP", "TIFF", "AVIF"):
        assert decode(made.saved(image, kind)).alpha is None


def test_a_palette_with_transparency(made):
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    half = decode(made.saved(image, "PNG", transparency=bytes([255, 128, 0])))
    assert half.pixels.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    assert half.alpha.tolist() == [[255, 128, 0]]
    for kind in ("PNG", "GIF"):
        assert decode(made.saved(image, kind, transparency=1)).alpha.tolist() == [[255, 0, 255]]


@pytest.mark.parametrize(
    ("depth", "row", "values"),
    [
        (1, b"\x40", [0, 255]),
        (2, b"\x60", [85, 170]),
        (4, b"\x5a", [85, 170]),
        (8, b"\x55\xaa", [85, 170]),
        (16, b"\x55\x55\xaa\xaa", [85, 170]),
    ],
)
def test_a_transparent_gray_at_every_depth(made, depth, row, values):
    """Pillow compares the key of the file with pixels that it has scaled already."""
    second = {1: 1, 2: 2, 4: 10, 8: 0xAA, 16: 0xAAAA}[depth]
    key = made.chunk(b"tRNS", second.to_bytes(2, "big"))
    picture = decode(made.png(2, 1, depth, 0, [row], key))
    assert picture.pixels[0, :, 0].tolist() == values
    assert picture.alpha.tolist() == [[255, 0]]
    assert picture.gray


def test_a_transparent_colour(made):
    key = made.chunk(b"tRNS", bytes([0, 40, 0, 50, 0, 60]))
    picture = decode(made.png(2, 1, 8, 2, [bytes([10, 20, 30, 40, 50, 60])], key))
    assert picture.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert picture.alpha.tolist() == [[255, 0]]


def test_a_transparent_colour_of_sixteen_bits(made):
    row = bytes([10, 0, 20, 0, 30, 0, 40, 1, 50, 2, 60, 3])
    picture = decode(made.png(2, 1, 16, 2, [row], made.chunk(b"tRNS", row[6:])))
    assert picture.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert picture.alpha.tolist() == [[255, 0]]
    assert picture.notes == ("16 bits a channel reduced to 8",)


def test_sixteen_bit_gray_is_scaled_and_not_cut_off(made):
    values = np.array([[0, 128, 129, 257, 32_896, 65_406, 65_407, 65_535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        picture = decode(made.saved(Image.fromarray(values), kind))
        assert picture.pixels[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 255, 255]
        assert picture.notes == ("16 bits a channel reduced to 8",)
        assert picture.gray


def test_sixteen_bit_colour_and_alpha(made):
    row = bytes([200, 7, 100, 7, 50, 7, 128, 7])
    picture = decode(made.png(1, 1, 16, 6, [row]))
    assert picture.pixels.tolist() == [[[200, 100, 50]]]
    assert picture.alpha.tolist() == [[128]]
    assert picture.notes == ("16 bits a channel reduced to 8",)


def test_sixteen_bit_gray_and_alpha_stays_gray(made):
    picture = decode(made.png(1, 1, 16, 4, [bytes([200, 7, 128, 7])]))
    assert picture.pixels.tolist() == [[[200, 200, 200]]]
    assert picture.alpha.tolist() == [[128]]
    assert picture.gray


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_tiff(made, order):
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 16), (259, 3, 1), (262, 3, 2), (277, 3, 3)]
    tags += [(273, 4, 14 + 12 * 8), (279, 4, 6)]
    low_first = bytes([7, 200, 7, 100, 7, 50])
    data = low_first if order == "<" else bytes([200, 7, 100, 7, 50, 7])
    picture = decode(made.tiff(tags, order=order) + data)
    assert picture.pixels.tolist() == [[[200, 100, 50]]]
    assert picture.notes == ("16 bits a channel reduced to 8",)


def test_premultiplied_alpha_is_divided_out(made):
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 1), (262, 3, 2), (277, 3, 4)]
    tags += [(338, 3, 1), (273, 4, 14 + 12 * 9), (279, 4, 4)]
    picture = decode(made.tiff(tags) + bytes([100, 50, 25, 128]))
    assert picture.alpha.tolist() == [[128]]
    assert near(picture.pixels, np.array([[[199, 100, 50]]])) <= 1


def test_floats_from_zero_to_one(made):
    values = np.array([[0.0, 0.25, 0.5, 1.0]], dtype=np.float32)
    picture = decode(made.saved(Image.fromarray(values), "TIFF"))
    assert picture.pixels[0, :, 0].tolist() == [0, 64, 128, 255]
    assert picture.notes == ("32-bit floats reduced to 8 bits",)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.array([[0.0, 200.0]], dtype=np.float32), r"floating-point values from 0\.0 to 200"),
        (np.array([[0.0, np.nan]], dtype=np.float32), r"floating-point values from nan"),
        (np.array([[0, 70_000]], dtype=np.int32), r"integer values from 0 to 70000"),
    ],
)
def test_values_whose_white_is_unknown_are_refused(made, values, match):
    with pytest.raises(UnsupportedPicture, match=match):
        decode(made.saved(Image.fromarray(values), "TIFF"))


def test_cmyk_without_a_profile(made):
    """Pillow writes CMYK JPEG as Photoshop does, inverted; paper white must come back white."""
    for kind in ("JPEG", "TIFF"):
        image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
        image.paste((0, 255, 255, 0), (0, 0, 8, 16))
        picture = decode(made.saved(image, kind))
        assert near(picture.pixels[0, 0], np.array([255, 0, 0])) < 8
        assert near(picture.pixels[0, 15], np.array([255, 255, 255])) < 8
        assert picture.notes == ("CMYK without a colour profile; converted by the plain formula",)


@pytest.mark.parametrize("compression", [None, "jpeg"])
def test_luma_and_chroma_in_a_tiff(made, compression):
    image = Image.fromarray(made.pixels()).convert("YCbCr")
    data = made.saved(image, "TIFF", compression=compression)
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError:
        pytest.skip("this Pillow cannot read what it wrote; from 13 on it can")
    assert np.abs(decode(data).pixels.astype(float) - made.pixels()).mean() < 6


def test_lab(made):
    image = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 0, 0, 0]))
    picture = decode(made.saved(image, "TIFF"))
    assert near(picture.pixels, np.array([[[255] * 3, [0] * 3]])) <= 2


def test_layouts_that_are_allowed_and_not_read(made, stills):
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 64), (259, 3, 1), (262, 3, 1)]
    with pytest.raises(UnsupportedPicture) as caught:
        decode(made.tiff([*tags, (273, 4, 8), (279, 4, 8)]))
    assert str(caught.value) == (
        "the TIFF file stores its pixels in a way that is not read here (unknown pixel mode); "
        "save it as an 8-bit PNG first"
    )
    deep = bytearray(stills["jpeg"])
    deep[deep.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnsupportedPicture, match=r"cannot handle 12-bit layers"):
        decode(bytes(deep))


# Damage


def test_a_wrong_checksum(stills):
    data = bytearray(stills["png"])
    data[data.index(b"IDAT") + 20] ^= 1
    with pytest.raises(UnreadablePicture, match=r"chunk b'IDAT' at byte 33 has a wrong checksum"):
        decode(bytes(data))


@pytest.mark.parametrize("rows", [1, 50, 99])
def test_a_png_that_holds_too_few_rows(made, rows):
    with pytest.raises(UnreadablePicture, match=r"rows are missing"):
        decode(made.png(4, 100, 8, 2, [b"\xff" * 12] * rows))
    assert decode(made.png(4, 100, 8, 2, [b"\xff" * 12] * rows + [bytes(12)] * (100 - rows)))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 8), (33, 18)])
def test_a_black_png_is_complete_whatever_its_coding(made, size):
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16"):
        data = made.saved(Image.new(mode, size), "PNG")
        assert decode(data).pixels.max() == 0


def test_a_black_interlaced_png(made):
    """Adam7 of 3x3: one pixel in passes 1, 6 (two rows) and so on; 7 rows, 9 pixels."""
    rows = bytes(1 + 3) + bytes(1 + 3) + bytes(1 + 6) + bytes(2 * (1 + 3)) + bytes(1 + 9)
    header = made.chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 3, 8, 2, 0, 0, 1))

    def interlaced(data):
        idat = made.chunk(b"IDAT", zlib.compress(data))
        return b"\x89PNG\r\n\x1a\n" + header + idat + made.chunk(b"IEND")

    assert decode(interlaced(rows)).pixels.shape == (3, 3, 3)
    assert is_complete(interlaced(rows))
    assert not is_complete(interlaced(rows[:-1]))
    with pytest.raises(UnreadablePicture, match=r"cut short"):
        decode(interlaced(rows[:-1]))


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "jpeg cmyk"])
@pytest.mark.parametrize("part", [0.6, 0.8, 0.95])
def test_a_jpeg_cut_short_is_refused_and_not_filled_with_gray(stills, name, part):
    data = stills[name]
    with pytest.raises(UnreadablePicture, match=r"^the JPEG file is damaged or cut short"):
        decode(data[: int(len(data) * part)])


@pytest.mark.parametrize("name", ["jpeg", "gif", "bmp", "tiff", "png", "webp", "avif"])
def test_leniency_asked_of_pillow_by_others_is_not_ours(stills, monkeypatch, name):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = stills[name]
    assert decode(data).width == 48
    with pytest.raises(UnreadablePicture):
        decode(data[: int(len(data) * 0.8)])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_the_cause_is_kept(stills):
    with pytest.raises(UnreadablePicture) as caught:
        decode(stills["jpeg"][:700])
    assert isinstance(caught.value.__cause__, OSError)


# Threads


def test_threads_decode_alike(stills):
    data = [stills[name] for name in sorted(stills)] * 4
    alone = [decode(one).pixels.tobytes() for one in data]
    gate = threading.Barrier(4)

    def work(one):
        return decode(one).pixels.tobytes()

    with ThreadPoolExecutor(4, initializer=gate.wait) as pool:
        assert list(pool.map(work, data)) == alone
