"""The adapter with a stand-in for the package, and with the package where it is installed."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from provenance.errors import ConfigError
from provenance.moderate.build import moderator
from provenance.moderate.interface import Action, Locator, Policy, Region, Rule
from provenance.moderate.nudenet import NudeNetClassifier
from provenance.picture import Picture

PARTS = [
    {"class": "FEMALE_BREAST_EXPOSED", "score": 0.7, "box": [10, 20, 30, 40]},
    {"class": "FEMALE_BREAST_COVERED", "score": 0.9, "box": [0, 0, 5, 5]},
    {"class": "FACE_MALE", "score": 0.8, "box": [50, 5, 20, 20]},
]


@pytest.fixture
def package(monkeypatch):
    """A package that finds `PARTS` and remembers what it was given."""
    made = ModuleType("nudenet")
    made.seen = []

    class NudeDetector:
        def detect(self, array):
            made.seen.append(array)
            return PARTS

    made.NudeDetector = NudeDetector
    monkeypatch.setitem(sys.modules, "nudenet", made)
    return made


def drawing() -> Picture:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[..., 0] = np.arange(100)
    return Picture.from_array(pixels)


def test_the_surest_exposed_part_counts(package):
    classifier = NudeNetClassifier()
    assert classifier.scores(drawing()) == {"nudity": 0.7}
    assert classifier.regions(drawing(), "nudity") == (Region(10, 20, 40, 60),)
    assert classifier.regions(drawing(), "gore") == ()
    assert isinstance(classifier, Locator)
    assert package.seen[0][0, 99].tolist() == [0, 0, 99]  # blue first


def test_faces_stand_for_people(package):
    classifier = NudeNetClassifier("people")
    assert classifier.scores(drawing()) == {"people": 0.8}


def test_only_the_part_is_blurred(package):
    policy = Policy("p", {"nudity": Rule({Action.BLUR: 0.5})}, ("nudenet",))
    judge = moderator(policy)
    picture = drawing()
    decision = judge.check_picture(picture)
    assert decision.action is Action.BLUR
    shown = judge.redacted(picture, decision).pixels
    assert np.array_equal(shown[:, 60:], picture.pixels[:, 60:])
    assert not np.array_equal(shown[20:60, 10:40], picture.pixels[20:60, 10:40])


def test_an_unknown_part():
    with pytest.raises(ConfigError, match="nudenet finds nudity and people, not 'feet'"):
        NudeNetClassifier("feet")


def test_without_the_package_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(ConfigError, match=r"pip install nudenet \(its model is under AGPL"):
        moderator(Policy("p", {"nudity": Rule({Action.BLUR: 0.5})}, ("nudenet",)))


def test_the_real_package(picture):
    pytest.importorskip("nudenet")
    classifier = NudeNetClassifier()
    assert 0.0 <= classifier.scores(picture)["nudity"] <= 1.0
    assert len(classifier.regions(picture, "nudity")) < 10
