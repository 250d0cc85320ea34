"""Stamps of known pipelines: exactly as the package writes and reads them, with an honest rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from provenance.errors import TooSmall
from provenance.picture import Picture
from provenance.watermark import opencv_yuv
from provenance.watermark.stamps import STAMPS, Method, read_bits, read_stamps, write_bits

METHODS: tuple[Method, ...] = ("dwtDct", "dwtDctSvd")


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.astronaut())


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda s: s.name)
def test_finds_its_own_stamps(photo: NDArray[np.uint8], stamp: object) -> None:
    stamped = write_bits(photo, stamp.bits, stamp.method)  # type: ignore[attr-defined]
    reading = read_stamps(Picture(stamped))
    assert reading.found
    assert reading.stamp is stamp


def test_unstamped_is_not_found(photo: NDArray[np.uint8]) -> None:
    reading = read_stamps(Picture(photo))
    assert not reading.found
    assert reading.false_positive_rate > 1e-3


def test_rate_is_the_binomial_tail(photo: NDArray[np.uint8]) -> None:
    stamp = STAMPS[2]
    reading = read_stamps(Picture(write_bits(photo, stamp.bits)), (stamp,))
    n, k = len(stamp.bits), reading.matching
    tail = sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n
    assert reading.false_positive_rate == pytest.approx(tail)


def test_known_payloads() -> None:
    lengths = {stamp.name: len(stamp.bits) for stamp in STAMPS}
    assert lengths == {
        "Stable Diffusion 1": 136,
        "Stable Diffusion 2": 32,
        "Stable Diffusion XL": 48,
        "FLUX.1": 46,
    }


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (8, 8), (255, 255)])
def test_reading_never_raises(shape: tuple[int, int]) -> None:
    picture = Picture(np.zeros((*shape, 3), np.uint8))
    assert not read_stamps(picture).found


def test_refuses_to_write_into_small_pictures() -> None:
    with pytest.raises(TooSmall, match="256×256"):
        write_bits(np.zeros((255, 256, 3), np.uint8), (0, 1))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("crop", [(512, 512), (511, 403), (258, 510)])
def test_equals_the_package(
    photo: NDArray[np.uint8], method: Method, crop: tuple[int, int]
) -> None:
    package = pytest.importorskip("imwatermark")
    pixels = np.ascontiguousarray(photo[: crop[0], : crop[1]])
    bits = STAMPS[2].bits
    encoder = package.WatermarkEncoder()
    encoder.set_watermark("bits", list(bits))
    wanted = encoder.encode(np.ascontiguousarray(pixels[..., ::-1]), method)[..., ::-1]
    written = write_bits(pixels, bits, method)
    assert np.array_equal(written, wanted)
    for picture in (pixels, written):
        decoder = package.WatermarkDecoder("bits", len(bits))
        read = decoder.decode(np.ascontiguousarray(picture[..., ::-1]), method)
        assert np.array_equal(read_bits(picture, len(bits), method), np.array(read))


def test_equals_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    yuv = opencv_yuv.from_rgb(pixels)
    assert np.array_equal(yuv, cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV))
    assert np.array_equal(opencv_yuv.u_of_rgb(pixels), yuv[..., 1])
    back = cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR)[..., ::-1]
    assert np.array_equal(opencv_yuv.to_rgb(pixels), back)
