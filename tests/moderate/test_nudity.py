"""The real network, on drawings and on the hard negatives of the shared corpus."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from provenance.moderate.interface import Action
from provenance.moderate.nudity import NudityClassifier
from provenance.moderate.policy_file import preset
from provenance.picture import Picture
from provenance_models import read_json

METRICS = read_json("nudity", "metrics.json")
FLAG, BLOCK = METRICS["thresholds"]["flag"], METRICS["thresholds"]["block"]
SEEN = {entry["path"]: entry["score"] for entry in METRICS["fired_on"]}
MORTAR = "hands/real/imagenet-sample-images__n03786901_mortar.JPEG"
"""A stone mortar and pestle, which the network takes for something else: a false positive."""


@pytest.fixture(scope="module")
def classifier() -> NudityClassifier:
    return NudityClassifier()


def test_a_landscape_is_allowed(classifier, picture):
    score = classifier.scores(picture)["nudity"]
    assert 0.0 <= score < FLAG


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3, 5), (224, 224)])
def test_every_shape_gets_a_score(classifier, shape):
    picture = Picture.from_array(np.full((*shape, 3), 128, np.uint8))
    assert 0.0 <= classifier.scores(picture)["nudity"] <= 1.0


def test_a_gray_picture_gets_a_score(classifier, scene):
    picture = Picture.from_array(scene[..., 0])
    assert 0.0 <= classifier.scores(picture)["nudity"] < BLOCK


def test_the_score_is_the_same_every_time(classifier, picture):
    assert classifier.scores(picture) == NudityClassifier().scores(picture)


def test_it_pickles_without_its_session(classifier, picture):
    again = pickle.loads(pickle.dumps(classifier))
    assert again.scores(picture) == classifier.scores(picture)


def test_the_hard_negatives_are_not_blocked_unless_the_metrics_say_so(classifier, shared):
    folder = shared / "corpus" / "nsfw_benign"
    files = sorted(p for p in folder.iterdir() if p.is_file())
    assert len(files) >= 20
    limit = preset("standard").rules["nudity"].picture[Action.BLOCK]
    blocked = {
        str(path.relative_to(folder.parent)): score
        for path in files
        if (score := classifier.scores(Picture.open(path))["nudity"]) >= limit
    }
    assert set(blocked) <= set(SEEN)


def test_pixels_hidden_under_transparency_are_judged(classifier, shared):
    opaque = Picture.open(shared / "corpus" / MORTAR)
    hidden = Picture.from_array(np.dstack([opaque.pixels, np.zeros(opaque.pixels.shape[:2], "u1")]))
    score = classifier.scores(hidden)["nudity"]
    assert score == pytest.approx(SEEN[MORTAR], abs=0.02)
    assert score >= BLOCK


def test_what_shows_is_judged_with_an_alpha_channel_too(classifier, shared):
    opaque = Picture.open(shared / "corpus" / MORTAR)
    alpha = np.full(opaque.pixels.shape[:2], 255, np.uint8)
    shown = Picture.from_array(np.dstack([opaque.pixels, alpha]))
    assert classifier.scores(shown)["nudity"] >= BLOCK
