"""The real network runs where it is; without it the user is told how to get it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from provenance.detect import backbone
from provenance.detect.backbone import MODEL, SIDE, WIDTH, Backbone
from provenance.errors import ConfigError
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store


def real_network() -> None:
    try:
        Store.standard().get(MODEL)
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")


def scenes() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))
    coarse = rng.integers(0, 256, (7, 7, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return [noise, smooth]


def test_without_weights_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path))
    with pytest.raises(WeightsMissing, match=f"provenance models pull {MODEL}"):
        Backbone().features(scenes())


def test_the_features_of_a_view_are_its_own():
    real_network()
    both = Backbone().features(scenes())
    assert both.shape == (2, WIDTH)
    assert np.isfinite(both).all()
    assert np.array_equal(both[1], Backbone().features(scenes()[1:])[0])
    assert not np.allclose(both[0], both[1], atol=1e-2)


def test_another_network_is_refused(monkeypatch):
    real_network()
    monkeypatch.setattr(backbone, "SHA256", "0" * 64)
    with pytest.raises(ConfigError, match="measured"):
        Backbone().features(scenes())
