"""What every watermarker promises, checked on ours and on a foreign scheme of raw bits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from provenance.errors import CapacityError, TooSmall
from provenance.picture import Picture
from provenance.watermark.foreign import ForeignWatermarker
from provenance.watermark.interface import Payload, Watermarker
from provenance.watermark.tile import TileWatermarker


class LowBits:
    """Bits in the lowest bit of red: survives nothing, and is enough to test the slot."""

    name = "test.lowbits"
    smallest_side = 64

    def __init__(self, capacity: int = 100) -> None:
        self.capacity = capacity

    def write(self, pixels: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        result = pixels.copy()
        red = result[..., 0].reshape(-1)
        red[: self.capacity] = red[: self.capacity] & 0xFE | bits
        result[..., 0] = red.reshape(pixels.shape[:2])
        return result

    def read(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        return pixels[..., 0].reshape(-1)[: self.capacity] & 1


MARKERS = [TileWatermarker(b"c" * 32), ForeignWatermarker(LowBits())]


@pytest.fixture(params=MARKERS, ids=lambda m: m.algorithm)
def marker(request: pytest.FixtureRequest) -> Watermarker:
    return request.param


@pytest.fixture(scope="module")
def picture() -> Picture:
    pixels = np.ascontiguousarray(data.chelsea())
    return Picture(pixels, alpha=np.full(pixels.shape[:2], 9, np.uint8))


def test_is_a_watermarker(marker: Watermarker) -> None:
    assert isinstance(marker, Watermarker)
    assert marker.algorithm
    assert marker.smallest_side > 0


def test_round_trip_keeps_everything_else(marker: Watermarker, picture: Picture) -> None:
    before = picture.pixels.copy()
    marked = marker.embed(picture, Payload(11))
    assert np.array_equal(picture.pixels, before)
    assert marked.pixels.shape == before.shape
    assert np.array_equal(marked.alpha, picture.alpha)
    reading = marker.extract(marked)
    assert reading.found
    assert reading.payload == Payload(11)
    assert 0 < reading.false_positive_rate <= 1e-6


def test_same_input_same_mark(marker: Watermarker, picture: Picture) -> None:
    one, other = (marker.embed(picture, Payload(12)).pixels for _ in range(2))
    assert np.array_equal(one, other)


def test_unmarked_is_not_found(marker: Watermarker, picture: Picture) -> None:
    reading = marker.extract(picture)
    assert not reading.found
    assert reading.false_positive_rate == 1.0


def test_small_pictures(marker: Watermarker) -> None:
    side = marker.smallest_side
    small = Picture(np.zeros((side - 1, 2 * side, 3), np.uint8))
    with pytest.raises(TooSmall):
        marker.embed(small, Payload(1))
    assert not marker.extract(small).found


def test_foreign_schemes_with_little_room_are_refused() -> None:
    with pytest.raises(CapacityError, match="32 bits"):
        ForeignWatermarker(LowBits(32))
    with pytest.raises(CapacityError):
        ForeignWatermarker(LowBits()).embed(
            Picture(np.zeros((256, 256, 3), np.uint8)), Payload(1, 128)
        )


def test_foreign_false_positives_are_rare() -> None:
    marker = ForeignWatermarker(LowBits(84))
    rng = np.random.default_rng(0)
    for _ in range(2000):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        assert not marker.extract(Picture(pixels)).found
