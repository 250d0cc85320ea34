"""Survival of edits: counted right, whatever the watermarker does."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.errors import TooSmall
from provenance.picture import Picture
from provenance.watermark.edits import chosen
from provenance.watermark.interface import Payload, Reading
from provenance.watermark.tile import TileWatermarker
from provenance.watermark.trial import Read, Trial, attempt, psnr, summary, survival, wilson


class Liar(TileWatermarker):
    """Reads the same payload everywhere."""

    def extract(self, picture: Picture) -> Reading:
        return Reading(Payload(1), 1e-9)


def test_counts_what_survives(scene: np.ndarray) -> None:
    edits = chosen(["none", "jpeg-75", "flip"])
    edits["erased"] = lambda pixels, rng: np.full_like(pixels, 128)
    trial = attempt(TileWatermarker(b"t" * 32), Picture(scene), edits)
    assert {name: read.recovered for name, read in trial.reads.items()} == {
        "none": True,
        "jpeg-75": True,
        "flip": True,
        "erased": False,
    }
    assert not any(read.wrong for read in trial.reads.values())
    assert 35 < trial.psnr < 60
    assert trial.embed_milliseconds > 0


def test_a_wrong_payload_is_told_from_none(scene: np.ndarray) -> None:
    trial = attempt(Liar(b"t" * 32), Picture(scene), chosen(["none"]))
    assert trial.reads["none"].wrong
    assert not trial.reads["none"].recovered
    assert survival([trial])["none"].wrong == 1


def test_small_pictures_are_refused() -> None:
    with pytest.raises(TooSmall):
        attempt(TileWatermarker(b"t" * 32), Picture(np.zeros((50, 50, 3), np.uint8)), {})


def test_many_trials_are_summed_up() -> None:
    trials = [
        Trial(40.0 + i, 10.0 * i, {"none": Read(i > 0, wrong=False, milliseconds=i)})
        for i in range(5)
    ]
    row = survival(trials)["none"]
    assert (row.pictures, row.recovered, row.milliseconds) == (5, 4, 2)
    assert (row.low, row.high) == wilson(4, 5)
    whole = summary(trials)
    assert whole == {"pictures": 5, "psnr_mean": 42.0, "psnr_min": 40.0, "embed_ms": 20.0}


def test_intervals() -> None:
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-3))
    assert wilson(10, 10) == (pytest.approx(0.7225, abs=1e-3), 1.0)
    low, high = wilson(500, 1000)
    assert (low, high) == (pytest.approx(0.469, abs=1e-3), pytest.approx(0.531, abs=1e-3))


def test_psnr() -> None:
    flat = Picture(np.full((8, 8, 3), 100, np.uint8))
    off_by_one = flat.with_pixels(np.full((8, 8, 3), 101, np.uint8))
    assert psnr(flat, off_by_one) == pytest.approx(48.13, abs=0.01)
    assert psnr(flat, flat) == 100.0
