"""Stamps of known pipelines are found, with an honest rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from provenance.picture import Picture
from provenance.watermark.dwt_dct import write_bits
from provenance.watermark.stamps import STAMPS, read_stamps


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
