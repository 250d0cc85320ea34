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
    """A backbone that gives each view the logit that the test wants."""

    def __init__(self, *logits: float) -> None:
        self.logits = logits

    def features(self, views):
        head = trained()
        towards = head.weight / np.sum(head.weight**2)
        rows = [head.mean + head.spread * towards * (x - head.bias) for x in self.logits]
        assert len(views) == len(rows)
        return np.array(rows, np.float32)


def subject(pixels: np.ndarray) -> Subject:
    out = io.BytesIO()
    Picture.from_array(pixels).to_pil().save(out, "PNG")
    return Subject(out.getvalue(), "image/png", Limits())


def examined(backbone, scene):
    (found,) = PixelsCheck(backbone).examine(subject(scene))
    return found


def test_all_readings_together_suggest_generation(scene):
    over = trained().threshold + 1
    found = examined(Features(*[over] * 5), scene)
    assert (found.code, found.status, found.origin) == (
        "pixels.generated",
        Status.SUGGESTED,
        Origin.GENERATED,
    )
    assert (
        found.false_positive_rate
        == read_json("pixels", "metrics.json")["real_called_generated"]["share"]
    )
    assert found.weight is not None
    assert found.weight.low <= found.weight.ratio <= found.weight.high


@pytest.mark.parametrize("place", [0, 4])
def test_one_reading_that_disagrees_makes_it_unsure(scene, place):
    logits = [trained().threshold + 1] * 5
    logits[place] = trained().threshold - 0.1
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


def test_graphics_and_small_pictures_are_not_judged():
    diagram = np.full((300, 300, 3), 250, np.uint8)
    assert examined(Features(), diagram).code == "pixels.graphic"
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
    assert trained().weight.shape == (WIDTH,)


def test_the_real_network(scene):
    try:
        Store.standard().get(MODEL)
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")
    (found,) = PixelsCheck().examine(subject(scene))
    assert found.code in ("pixels.generated", "pixels.unsure")
