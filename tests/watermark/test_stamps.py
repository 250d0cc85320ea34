"""Stamps of known pipelines are found, with an honest rate."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from provenance.picture import Picture
from provenance.watermark.dwt_dct import write_bits
from provenance.watermark.stamps import LIMIT, STAMPS, Stamp, chance, read_stamps


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.astronaut())


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda s: s.name)
def test_finds_its_own_stamps(photo: NDArray[np.uint8], stamp: Stamp) -> None:
    stamped = write_bits(photo, stamp.bits, stamp.method)
    reading = read_stamps(Picture(stamped))
    assert reading.found
    assert reading.stamp is stamp


def test_unstamped_is_not_found(photo: NDArray[np.uint8]) -> None:
    reading = read_stamps(Picture(photo))
    assert not reading.found
    assert reading.false_positive_rate > 1e-3


def test_rate_is_that_of_shuffled_bits() -> None:
    rng = np.random.default_rng(0)
    stamp = np.array(STAMPS[3].bits, np.uint8)
    read = np.zeros(stamp.size, np.uint8)
    read[:20] = 1
    shuffled = rng.permuted(np.tile(read, (20_000, 1)), axis=1)
    matching = (shuffled == stamp).sum(axis=1)
    for least in range(matching.min(), matching.max() + 1):
        share = float((matching >= least).mean())
        rate = chance(least, stamp.size, int(stamp.sum()), 20)
        assert share == pytest.approx(rate, abs=4 * (rate / 20_000) ** 0.5 + 1e-4)


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda s: s.name)
def test_equal_bits_say_nothing(stamp: Stamp) -> None:
    length, ones = len(stamp.bits), sum(stamp.bits)
    assert chance(ones, length, ones, length) == 1.0
    assert chance(length - ones, length, ones, 0) == 1.0


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda s: s.name)
def test_a_whole_stamp_is_one_arrangement_of_all(stamp: Stamp) -> None:
    length, ones = len(stamp.bits), sum(stamp.bits)
    assert chance(length, length, ones, ones) == pytest.approx(1 / math.comb(length, ones))
    assert chance(length, length, ones, ones) * len(STAMPS) < LIMIT


@given(st.integers(1, 64), st.data())
def test_rates_fall_as_more_bits_agree(length: int, draw: st.DataObject) -> None:
    ones = draw.draw(st.integers(0, length))
    read = draw.draw(st.integers(0, length))
    rates = [chance(matching, length, ones, read) for matching in range(length + 1)]
    assert rates[0] == 1.0
    assert all(0.0 <= b <= a <= 1.0 for a, b in itertools.pairwise(rates))


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
