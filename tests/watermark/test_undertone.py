"""The part of the mark that is left when a picture's own tiles are averaged and subtracted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.watermark.evaluate_security import psnr, without_own_pattern
from provenance.watermark import harmonics, undertone
from provenance.watermark.layout import ROOM, make_layout
from provenance.watermark.payload import Payload
from provenance.watermark.spectrum import Spectrum
from provenance.watermark.tile import TileWatermarker
from provenance.watermark.waves import Waves, grid_of

KEY = bytes(range(32))
PAYLOAD = Payload(0x01DEADBEEF234567)


@pytest.fixture(scope="module")
def marker() -> TileWatermarker:
    return TileWatermarker(KEY)


@pytest.fixture(scope="module")
def attacked(marker: TileWatermarker) -> NDArray[np.uint8]:
    marked = marker.embed_array(np.ascontiguousarray(data.astronaut()), PAYLOAD)
    return without_own_pattern(marked, marker, 1.0)


EDITS = {
    "as it is": lambda p: p,
    "mirrored": lambda p: p[:, ::-1],
    "quarter turn": np.rot90,
    "inverted": lambda p: 255 - p,
    "cropped": lambda p: p[21:480, 40:500],
}


@pytest.mark.parametrize("edit", EDITS)
def test_outlives_the_average_of_the_tiles(
    attacked: NDArray[np.uint8], marker: TileWatermarker, edit: str
) -> None:
    reading = marker.extract_array(EDITS[edit](attacked))
    assert reading.payload == PAYLOAD
    assert reading.details["method"] == "undertone"


def test_folding_by_its_own_period_costs_more(
    attacked: NDArray[np.uint8], marker: TileWatermarker
) -> None:
    marked = marker.embed_array(np.ascontiguousarray(data.astronaut()), PAYLOAD)
    cheap = psnr(attacked, marked)
    assert psnr(without_own_pattern(marked, marker, 1.0, 4), marked) < cheap - 5


def test_is_replaced_with_the_mark(marker: TileWatermarker) -> None:
    marked = marker.embed_array(np.ascontiguousarray(data.astronaut()), PAYLOAD)
    again = TileWatermarker(KEY, replace=True).embed_array(marked, Payload(9))
    left = without_own_pattern(again, marker, 1.0)
    assert marker.extract_array(left).payload == Payload(9)


def test_another_key_has_another() -> None:
    one, other = (make_layout(key * 32).undertone for key in (b"1", b"2"))
    assert set(map(tuple, one.waves.tolist())) != set(map(tuple, other.waves.tolist()))


def test_words_come_back_from_coefficients() -> None:
    tone = make_layout(KEY).undertone
    word = np.where(np.random.default_rng(1).random(ROOM) < 0.5, -1, 1).astype(np.float32)
    values = undertone.coefficients(tone, word)
    assert 2 * np.sum(np.abs(values) ** 2) == pytest.approx(1.0, rel=1e-4)
    places = np.ascontiguousarray(values[tone.data] * tone.turns.conj()).view(np.float32)
    assert np.array_equal(np.sign(undertone.summed(places, tone)), word)


def test_sums_agree_with_the_transform() -> None:
    plane = np.random.default_rng(2).normal(size=(150, 211)).astype(np.float32)
    axis, step = np.array([0, 3, 4, 11]), 0.03
    square = harmonics.sums(plane, step, axis)
    points = np.array([[0, 1], [1, -3], [2, 0], [3, 3], [3, -2]])
    waves = np.sign(points) * axis[np.abs(points)]
    exact = Spectrum(plane).at(waves * step)
    assert np.allclose(harmonics.pick(square, points), exact, atol=0.02 * np.abs(exact).max())


def test_waves_are_the_sum_they_promise() -> None:
    axis = np.array([0, 2, 5])
    points = np.array([[0, 1], [1, -2], [2, 2]])
    values = np.array([1 + 2j, -0.5j, 0.25], np.complex64)
    waves = Waves(grid_of(points, values, axis), axis, 37.5, (3.0, 8.0), (9, 20))
    y, x = np.meshgrid(np.arange(9) - 3.0, np.arange(20) - 8.0, indexing="ij")
    expected = np.zeros(y.shape)
    for (row, column), value in zip(np.sign(points) * axis[np.abs(points)], values, strict=True):
        expected += 2 * (value * np.exp(2j * np.pi * (row * y + column * x) / 37.5)).real
    strips = list(waves.strips(2))
    assert sorted({start + i for start, rows in strips for i in range(len(rows))}) == list(range(9))
    for start, rows in [*strips, (0, waves.whole()), *waves.strips(4)]:
        assert np.allclose(rows, expected[start : start + len(rows)], atol=1e-4)
