"""Bombs: a header may claim anything, and costs nothing."""

import io
import struct
import subprocess
import sys
import textwrap
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from provenance.codec.decode import Limits, decode
from provenance.errors import TooLarge, UnreadablePicture

SIDE = 50_000


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


def avif_header(side):
    ispe = box(b"ispe", struct.pack(">III", 0, side, side))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", ispe)))
    return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + meta


@pytest.fixture(scope="module")
def bombs(made):
    size = struct.pack("<I", SIDE - 1)[:3] * 2
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size
    jpeg = bytearray(made.saved(made.pixels(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", SIDE, SIDE)
    bmp = bytearray(made.saved(made.pixels(), "BMP"))
    bmp[18:26] = struct.pack("<ii", SIDE, -SIDE)
    tags = [(256, 4, SIDE), (257, 4, SIDE), (258, 3, 8), (259, 3, 8), (262, 3, 1)]
    lzw = b"\x08" + b"\x02\x4c\x01\0"
    return {
        "PNG": made.png(SIDE, SIDE, 8, 2, [bytes(64)]),
        "WEBP": b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x,
        "AVIF": avif_header(SIDE),
        "TIFF": made.tiff([*tags, (273, 4, 8), (279, 4, 100)]),
        "TIFF tile": made.tiff(
            [
                *[(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1)],
                *[(322, 4, SIDE), (323, 4, SIDE), (324, 4, 8), (325, 4, 100)],
            ]
        ),
        "GIF": b"GIF89a" + struct.pack("<HHBBB", SIDE, SIDE, 0, 0, 0)
        + b"," + struct.pack("<HHHHB", 0, 0, SIDE, SIDE, 0) + lzw + b";",
        "JPEG": bytes(jpeg),
        "BMP": bytes(bmp),
    }  # fmt: skip


KINDS = ["PNG", "WEBP", "AVIF", "TIFF", "TIFF tile", "GIF", "JPEG", "BMP"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_by_its_size(bombs, kind):
    with pytest.raises(TooLarge) as caught:
        decode(bombs[kind])
    assert str(caught.value) == (
        "the picture has 50,000x50,000 pixels, the limit is 100,000,000 in all; "
        "scale it down or raise the limit"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_whatever_the_frame_asked_for(bombs, kind):
    with pytest.raises(TooLarge):
        decode(bombs[kind], first_frame=True)


def test_bombs_cost_neither_memory_nor_time(bombs, tmp_path):
    """All of them in one process: the peak may not grow by 50 MB, nor any take a second."""
    for kind, data in bombs.items():
        (tmp_path / f"{kind}.bin").write_bytes(data)
    script = textwrap.dedent(
        """
        import pathlib, resource, sys, time
        from provenance.codec.decode import decode, read_bytes
        from provenance.errors import TooLarge
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        before, slowest = peak(), 0.0
        for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
            start = time.process_time()
            try:
                decode(read_bytes(path))
            except TooLarge:
                slowest = max(slowest, time.process_time() - start)
            else:
                sys.exit(f"{path} was decoded")
        print(peak() - before, slowest)
        """
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    kilobytes, seconds = run.stdout.split()
    assert int(kilobytes) < 50_000
    assert float(seconds) < 1


def test_limits_are_the_callers(made):
    data = made.saved(made.pixels(48, 32), "PNG")
    assert decode(data, Limits(max_pixels=48 * 32)).width == 48
    with pytest.raises(TooLarge, match=r"48x32 pixels, the limit is 1,535 in all"):
        decode(data, Limits(max_pixels=48 * 32 - 1))
    with pytest.raises(TooLarge, match=r"the limit is 47 a side"):
        decode(data, Limits(max_side=47))
    with pytest.raises(TooLarge, match=rf"has {len(data):,} bytes, the limit is 10;"):
        decode(data, Limits(max_bytes=10))


def test_pillows_own_limit_is_neither_heeded_nor_changed(made, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for kind in ("PNG", "JPEG", "AVIF", "TIFF", "BMP"):
        assert decode(made.saved(made.pixels(), kind)).width == 48
    try:  # from Pillow 13 on, the one plugin that asks it by itself
        assert decode(made.saved(made.pixels(), "WEBP")).width == 48
    except TooLarge as error:
        assert "PIL.Image.MAX_IMAGE_PIXELS" in str(error)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("name", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_compressed_chunk_that_unpacks_to_100_mb(made, name):
    packed = zlib.compress(bytes(100_000_000), 9)
    body = {b"iCCP": b"p\0\0", b"zTXt": b"k\0\0", b"iTXt": b"k\0\x01\0\0\0"}[name] + packed
    start = time.process_time()
    with pytest.raises(UnreadablePicture, match=r"too large"):
        decode(made.png(1, 1, 8, 2, [b"abc"], made.chunk(name, body)))
    assert time.process_time() - start < 1


def test_a_jpeg_of_a_thousand_scans(made):
    data = made.saved(made.pixels(), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    with pytest.raises(UnreadablePicture, match=r"more than 500 scans"):
        decode(data[:-2] + data[scan:-2] * 1000 + b"\xff\xd9")


@pytest.mark.slow
def test_a_hundred_million_pixels_decode():
    side = 10_000
    row = (np.arange(side) % 251).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(row, (side, side)).copy())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    picture = decode(buffer.getvalue())
    assert picture.pixels.shape == (side, side, 3)
    assert picture.gray
    assert np.array_equal(picture.pixels[-1, :, 2], row)


def test_a_hundred_million_pixels_are_admitted():
    limits = Limits()
    limits.check_size(10_000, 10_000)
    with pytest.raises(TooLarge):
        limits.check_size(10_000, 10_001)
