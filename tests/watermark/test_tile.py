"""The tile mark: what it survives, what it refuses, and what it never does."""

from __future__ import annotations

import io
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data

from provenance.errors import KeyUnusable, TooSmall, UnsupportedPicture
from provenance.picture import Picture
from provenance.watermark.interface import Payload, Reading, Watermarker
from provenance.watermark.tile import SMALLEST_SIDE, TileWatermarker

KEY = bytes(range(32))
PAYLOAD = Payload(0x01DEADBEEF234567)


def jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resize(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    size = (round(width * scale), round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def marker() -> TileWatermarker:
    return TileWatermarker(KEY)


@pytest.fixture(scope="module")
def marked(photo: NDArray[np.uint8], marker: TileWatermarker) -> NDArray[np.uint8]:
    return marker.embed_array(photo, PAYLOAD)


ATTACKS = {
    "none": lambda p: p,
    "jpeg 75": lambda p: jpeg(p, 75),
    "jpeg 50": lambda p: jpeg(p, 50),
    "half size": lambda p: resize(p, 0.5),
    "three quarters": lambda p: resize(p, 0.75),
    "half size and back": lambda p: resize(resize(p, 0.5), 2.0),
    "mirrored": lambda p: p[:, ::-1],
    "upside down": lambda p: p[::-1],
    "quarter turn": np.rot90,
    "inverted": lambda p: 255 - p,
    "cropped": lambda p: p[31:473, 13:455],
    "brighter": lambda p: np.clip(p * 1.2, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_survives(marked: NDArray[np.uint8], marker: TileWatermarker, attack: str) -> None:
    reading = marker.extract_array(ATTACKS[attack](marked))
    assert reading.payload == PAYLOAD
    assert reading.false_positive_rate <= 1e-6


def test_marker_follows_the_protocol(marker: TileWatermarker) -> None:
    assert isinstance(marker, Watermarker)
    assert marker.algorithm == "org.provenance-kit.tile.1"


def test_picture_round_trip(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    alpha = np.full(photo.shape[:2], 200, np.uint8)
    marked = marker.embed(Picture(photo, alpha=alpha), PAYLOAD)
    assert np.array_equal(marked.alpha, alpha)
    assert marker.extract(marked).payload == PAYLOAD


def test_128_bits(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    payload = Payload.random(128)
    assert marker.extract_array(marker.embed_array(photo, payload)).payload == payload


def test_wrong_key_reads_nothing(marked: NDArray[np.uint8]) -> None:
    reading = TileWatermarker(b"\1" * 32).extract_array(marked)
    assert reading == Reading(None, 1.0, reading.details)


def test_unmarked_reads_nothing(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    assert not marker.extract_array(photo).found


def test_same_input_gives_same_mark(photo: NDArray[np.uint8], marked: NDArray[np.uint8]) -> None:
    again = pickle.loads(pickle.dumps(TileWatermarker(KEY)))
    assert np.array_equal(again.embed_array(photo, PAYLOAD), marked)


def test_gray_stays_gray(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    gray = np.repeat(photo[:, :, 1:2], 3, axis=2)
    marked = marker.embed_array(gray, PAYLOAD)
    assert (np.ptp(marked, axis=2) == 0).all()
    assert marker.extract_array(marked).payload == PAYLOAD


def test_sixteen_bits(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    deep = marker.embed_array(photo.astype(np.uint16) * 257, PAYLOAD)
    assert deep.dtype == np.uint16
    assert marker.extract_array(deep).payload == PAYLOAD
    assert marker.extract_array((deep // 257).astype(np.uint8)).payload == PAYLOAD


def test_strided_and_read_only_arrays(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    view = photo[:, ::-1]
    view.flags.writeable = False
    assert marker.extract_array(marker.embed_array(view, PAYLOAD)).payload == PAYLOAD


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_nan_and_infinity(marker: TileWatermarker, bad: float) -> None:
    pixels = np.full((256, 256, 3), bad, np.float32)
    with pytest.raises(ValueError, match="NaN or infinity"):
        marker.extract_array(pixels)


def test_refuses_too_small(marker: TileWatermarker) -> None:
    small = np.zeros((SMALLEST_SIDE - 1, 400, 3), np.uint8)
    with pytest.raises(TooSmall, match="too small to mark reliably"):
        marker.embed_array(small, PAYLOAD)
    assert "too small" in marker.extract_array(small).details["reason"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 9), (33, 40), (32, 3000)])
def test_extract_never_raises(marker: TileWatermarker, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert not marker.extract(Picture(pixels)).found


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33, "x" * 32])
def test_refuses_bad_keys(key: bytes) -> None:
    with pytest.raises(KeyUnusable):
        TileWatermarker(key)


def test_key_is_not_shown(marker: TileWatermarker) -> None:
    assert KEY.hex() not in repr(marker)
    assert repr(KEY) not in repr(marker)


def test_refuses_a_marked_picture(marked: NDArray[np.uint8], marker: TileWatermarker) -> None:
    with pytest.raises(UnsupportedPicture, match=PAYLOAD.hex):
        marker.embed_array(marked, Payload(7))


def test_replaces_on_request(marked: NDArray[np.uint8]) -> None:
    marker = TileWatermarker(KEY, replace=True)
    again = marker.embed_array(marked, Payload(7))
    for attack in ("none", "jpeg 50", "half size"):
        assert marker.extract_array(ATTACKS[attack](again)).payload == Payload(7)


def test_two_keys_stay_readable(marked: NDArray[np.uint8], marker: TileWatermarker) -> None:
    other = TileWatermarker(b"\2" * 32)
    both = other.embed_array(marked, Payload(9))
    assert marker.extract_array(both).payload == PAYLOAD
    assert other.extract_array(both).payload == Payload(9)


@pytest.mark.parametrize("size", [(192, 192), (256, 256), (200, 640), (1100, 900), (2400, 3100)])
def test_sizes(photo: NDArray[np.uint8], marker: TileWatermarker, size: tuple[int, int]) -> None:
    pixels = np.asarray(Image.fromarray(photo).resize(size[::-1], Image.Resampling.BICUBIC))
    marked = marker.embed_array(pixels, PAYLOAD)
    assert marker.extract_array(marked).payload == PAYLOAD


def lines_of_text() -> NDArray[np.uint8]:
    image = Image.new("RGB", (640, 640), "white")
    draw = ImageDraw.Draw(image)
    for top in range(10, 630, 16):
        draw.text((8, top), "the quick brown fox jumps over the lazy dog " * 3, fill="black")
    return np.asarray(image)


RAMP = np.broadcast_to(np.linspace(0, 255, 600)[None, :, None], (400, 600, 3)).astype(np.uint8)
EXTREMES = {
    "white": np.full((512, 512, 3), 255, np.uint8),
    "black": np.zeros((512, 512, 3), np.uint8),
    "gray": np.full((512, 512, 3), 128, np.uint8),
    "ramp": RAMP,
    "text": lines_of_text(),
    "stripes": (np.indices((512, 512, 3))[1] // 16 % 2 * 255).astype(np.uint8),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_pictures(marker: TileWatermarker, name: str) -> None:
    pixels = EXTREMES[name]
    assert not marker.extract_array(pixels).found
    marked = marker.embed_array(pixels, PAYLOAD)
    edited = marked if name == "text" else jpeg(marked, 75)
    assert marker.extract_array(edited).payload == PAYLOAD


def test_flat_areas_change_by_about_one_level(marker: TileWatermarker) -> None:
    pixels = RAMP
    change = marker.embed_array(pixels, PAYLOAD).astype(int) - pixels
    assert float(np.sqrt(np.mean(change**2))) < 1.3


def test_details_are_json(marked: NDArray[np.uint8], marker: TileWatermarker) -> None:
    details = marker.extract_array(marked).details
    assert json.loads(json.dumps(dict(details))) == dict(details)


def test_strengths_differ_in_loudness(photo: NDArray[np.uint8]) -> None:
    noise = []
    for strength in ("stealth", "balanced", "robust", 36.0):
        marked = TileWatermarker(KEY, strength=strength).embed_array(photo, PAYLOAD)
        noise.append(float(np.mean((marked.astype(float) - photo) ** 2)))
    assert noise == sorted(noise)


@pytest.mark.parametrize("strength", ["loud", 10.0, 80.0])
def test_refuses_unknown_strengths(strength: str | float) -> None:
    with pytest.raises(ValueError, match="strength"):
        TileWatermarker(KEY, strength=strength)


@pytest.mark.parametrize("angle", [3.0, 17.0, 45.0, 137.0])
def test_survives_rotation(
    marked: NDArray[np.uint8], marker: TileWatermarker, angle: float
) -> None:
    turned = Image.fromarray(marked).rotate(angle, Image.Resampling.BICUBIC)
    assert marker.extract_array(np.asarray(turned)).payload == PAYLOAD


@pytest.mark.parametrize(("across", "down"), [(0.9, 1.0), (1.1, 1.0), (0.7, 0.75)])
def test_survives_aspect(
    marked: NDArray[np.uint8], marker: TileWatermarker, across: float, down: float
) -> None:
    size = (round(512 * across), round(512 * down))
    stretched = Image.fromarray(marked).resize(size, Image.Resampling.BICUBIC)
    assert marker.extract_array(np.asarray(stretched)).payload == PAYLOAD


def test_survives_shear(marked: NDArray[np.uint8], marker: TileWatermarker) -> None:
    slope = float(np.tan(np.deg2rad(3)))
    matrix = (1, slope, -slope * 256, 0, 1, 0)
    image = Image.fromarray(marked)
    sheared = image.transform((512, 512), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    assert marker.extract_array(np.asarray(sheared)).payload == PAYLOAD


def test_threads_share_a_marker(marked: NDArray[np.uint8]) -> None:
    marker = TileWatermarker(KEY)
    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(marker.extract_array, [marked] * 8))
    assert {r.payload for r in readings} == {PAYLOAD}


@pytest.mark.slow
def test_large_pictures(photo: NDArray[np.uint8], marker: TileWatermarker) -> None:
    pixels = np.tile(np.concatenate([photo, photo[::-1]]), (6, 12, 1))
    marked = marker.embed_array(pixels, PAYLOAD)
    assert marker.extract_array(marked).payload == PAYLOAD
    web = Image.fromarray(marked).resize((1080, 1080), Image.Resampling.LANCZOS)
    assert marker.extract_array(np.asarray(web)).payload == PAYLOAD
