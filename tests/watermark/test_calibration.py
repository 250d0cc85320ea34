"""The rate of a reading: falls with the score, covers every attempt, and is never optimistic."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from provenance.watermark import plane
from provenance.watermark.calibration import ATTEMPTS, false_positive_rate, tail
from provenance.watermark.payload import SIZES
from provenance.watermark.tile import LIMIT, TileWatermarker


@pytest.mark.parametrize("bits", SIZES)
def test_falls_with_the_score(bits: int) -> None:
    rates = [false_positive_rate(score, bits) for score in np.arange(5, 21, 0.25)]
    assert all(a >= b for a, b in pairwise(rates))
    assert rates[0] < 1e-5
    assert rates[-1] < LIMIT


def test_longer_payloads_need_higher_scores() -> None:
    assert tail(12.5, 64) < 1e-5
    assert tail(12.5, 128) == 1.0


def test_attempts_are_bounded() -> None:
    rng = np.random.default_rng(5)
    for shape in ((300, 300), (700, 500), (1600, 1500)):
        pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        scores: dict[int, list[float]] = {64: [], 128: []}
        assert not TileWatermarker(b"c" * 32).extract_array(pixels, collect=scores).found
        assert max(len(s) for s in scores.values()) <= ATTEMPTS


@pytest.mark.parametrize("seed", range(4))
def test_plain_pictures_read_nothing(seed: int) -> None:
    marker = TileWatermarker(bytes([seed]) * 32)
    flat = np.full((256, 300, 3), 40 * seed, np.uint8)
    ramp = np.broadcast_to(np.linspace(0, 255, 400)[None, :, None], (300, 400, 3))
    stripes = np.indices((256, 256))[1][..., None] // (seed + 3) % 2 * np.full(3, 255)
    for pixels in (flat, ramp.astype(np.uint8), stripes.astype(np.uint8)):
        assert not marker.extract_array(pixels).found


def test_planes_are_linear_in_depth() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    deep = plane.luma_plane(pixels.astype(np.uint16) * 257, 2)
    assert np.allclose(plane.luma_plane(pixels, 2), deep, atol=1e-3)


def test_no_rate_is_stated_that_the_reads_could_not_support():
    """However high the score: the tail was fitted on 100,000 words, and ends at their tenth."""
    assert false_positive_rate(1000.0, 64) == 64 * 2.0**-24 * 1e-6
    assert false_positive_rate(1000.0, 128) == 64 * 2.0**-24 * 1e-6
