"""What the detector says, with features made for the case, and with the real network."""

from __future__ import annotations

import io

import numpy as np
import pytest

from provenance.codec.limits import Limits
from provenance.detect.backbone import MODEL, WIDTH
from provenance.detect.pixels import LEAST, PixelsCheck, trained
from provenance.evidence import Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store
from provenance_models import read_json


class Features:
    """A backbone that gives each view the logit that the test wants, and the gate its own."""

    def __init__(self, *logits: float, gate: float = -20.0) -> None:
        self.logits = logits
        self.gate = gate

    def features(self, views):
        head = trained()
        assert len(views) == len(self.logits)
        judge, gate = head.judge, head.gate
        first = judge.weight / judge.spread
        second = gate.weight[:-1] / gate.spread[:-1]  # flatness is left as it is
        pairs = np.array([[first @ first, first @ second], [first @ second, second @ second]])
        flat = float(gate.logits(np.append(judge.mean, gate.mean[-1])[None].astype(np.float32))[0])
        rows = []
        for logit in self.logits:
            towards = np.linalg.solve(pairs, [logit - judge.bias, self.gate - flat])
            rows.append(judge.mean + towards[0] * first + towards[1] * second)
        return np.array(rows, np.float32)


def subject(pixels: np.ndarray) -> Subject:
    out = io.BytesIO()
    Picture.from_array(pixels).to_pil().save(out, "PNG")
    return Subject(out.getvalue(), "image/png", Limits())


def examined(backbone, scene):
    (found,) = PixelsCheck(backbone).examine(subject(scene))
    return found


@pytest.mark.parametrize("level", [0, 1])
def test_all_readings_together_suggest_generation(scene, level):
    over = trained().levels[level].threshold + 0.05
    found = examined(Features(*[over] * 5), scene)
    assert (found.code, found.status, found.origin) == (
        "pixels.generated",
        Status.SUGGESTED,
        Origin.GENERATED,
    )
    measured = read_json("pixels", "metrics.json")["levels"][level]
    assert found.false_positive_rate == measured["real_called_generated"]["share"]
    assert ("clearly" in found.explanation) is bool(level)
    assert found.weight is not None
    assert found.weight == trained().levels[level].worth
    assert found.weight.low <= found.weight.ratio <= found.weight.high


def test_the_higher_level_is_worth_more():
    low, high = trained().levels
    assert low.threshold < high.threshold
    assert low.worth.ratio < high.worth.ratio


def test_it_says_how_often_it_finds_anything(scene):
    for logit in (trained().levels[0].threshold + 0.05, -50.0):
        rate = examined(Features(*[logit] * 5), scene).details["detection_rate"]
        assert 0 < rate["low"] < rate["rate"] < rate["high"] < 1
        assert rate["pictures"] > 0


@pytest.mark.parametrize("place", [0, 4])
def test_one_reading_that_disagrees_makes_it_unsure(scene, place):
    logits = [trained().levels[1].threshold + 1] * 5
    logits[place] = trained().levels[0].threshold - 0.1
    found = examined(Features(*logits), scene)
    assert (found.code, found.status, found.origin) == (
        "pixels.unsure",
        Status.ABSENT,
        Origin.UNKNOWN,
    )
    assert "changes with re-encoding" in found.explanation
    assert found.weight is None


def test_low_readings_are_unsure_and_never_say_that_it_is_real(scene):
    found = examined(Features(*[-50.0] * 5), scene)
    assert found.code == "pixels.unsure"
    assert "says nothing" in found.explanation


def test_no_number_is_not_checked(scene):
    found = examined(Features(*[float("nan")] * 5), scene)
    assert found.status is Status.UNCHECKED


def test_graphics_are_not_judged(scene):
    over = trained().levels[1].threshold + 1
    assert examined(Features(*[over] * 5, gate=20.0), scene).code == "pixels.graphic"


def test_small_pictures_are_not_judged():
    small = np.random.default_rng(0).integers(0, 256, (LEAST - 1, 300, 3), np.uint8)
    assert examined(Features(), small).code == "pixels.too-small"


def test_without_weights_it_says_so(scene, monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path))
    (found,) = PixelsCheck().examine(subject(scene))
    assert (found.code, found.status) == ("pixels.no-weights", Status.UNCHECKED)
    assert f"provenance models pull {MODEL}" in found.explanation


def test_no_picture_is_not_checked():
    (found,) = PixelsCheck().examine(Subject(b"%PDF-1.7", "application/pdf", Limits()))
    assert found.code == "pixels.no-pixels"


def test_the_head_is_the_one_that_was_measured():
    assert trained().judge.weight.shape == (WIDTH,)
    assert trained().gate.weight.shape == (WIDTH + 1,)


def test_the_real_network(scene):
    try:
        Store.standard().get(MODEL)
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")
    (found,) = PixelsCheck().examine(subject(scene))
    assert found.code == "pixels.graphic"  # it is drawn
