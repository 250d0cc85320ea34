"""How the detector's thresholds are set, and trivial rules measured, on made-up readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pixels.card import beside_rules
from models.pixels.data import Data, folds, outer
from models.pixels.facts import TRIVIAL, equalised
from models.pixels.measures import balanced, called, threshold_for
from models.pixels.rules import beside
from provenance.moderate.intervals import clopper_pearson
from provenance.picture import Picture
from provenance_models import read_json


def reads(lowest: list[float]) -> np.ndarray:
    """Three readings for each photograph, of which one is the lowest."""
    return np.stack([np.array(lowest) + extra for extra in (2.0, 0.0, 1.0)], axis=1)


def wrong_with(count: int, sources: int) -> int:
    """How many of 1,000 reach the threshold; the `count` highest ones are in the first source."""
    source = np.repeat([f"s{i:04}" for i in range(sources)], 1000 // sources)
    lowest = np.zeros(len(source))
    lowest[:count] = 10 + np.arange(count)
    lowest[count:] = -np.arange(len(source) - count)
    y = np.zeros(len(source), int)
    cut = threshold_for(reads(list(lowest)), y, source, 0.02)
    return int(called(reads(list(lowest)), cut).sum())


def test_few_mistakes_are_allowed_for_photographs_that_stand_for_themselves():
    found = wrong_with(0, 1000)
    assert clopper_pearson(found, 1000)[1] <= 0.02 < clopper_pearson(found + 1, 1000)[1]


def test_fewer_if_they_come_together():
    assert wrong_with(20, 10) < wrong_with(20, 1000)


@given(st.lists(st.floats(-50, 50), min_size=30, max_size=60), st.integers(1, 9))
def test_no_photograph_reaches_the_second_level(lowest, sources):
    source = np.array([f"s{i % sources}" for i in range(len(lowest))])
    y = np.zeros(len(lowest), int)
    cut = threshold_for(reads(lowest), y, source, 0.0)
    assert not called(reads(lowest), cut).any()


@given(st.integers(0, 2**32 - 1))
def test_generated_pictures_do_not_move_a_threshold(seed):
    rng = np.random.default_rng(seed)
    read, source = rng.normal(size=(400, 3)), np.array([f"s{i % 20}" for i in range(400)])
    y = (np.arange(400) % 4 == 0).astype(int)
    other = np.where(y[:, None] == 1, 99.0, read)
    cuts = {threshold_for(each, y, source, 0.02) for each in (read, other)}
    assert len(cuts) == 1


def table(rng: np.random.Generator) -> Data:
    """Generated pictures are PNG, until they are equalised."""
    n = 240
    y = (np.arange(n) % 2).astype(np.int64)
    source = np.array([f"{'ai' if made else 'real'}{i % 16}" for i, made in enumerate(y)])
    trivial = rng.normal(size=(n, len(TRIVIAL)))
    trivial[:, 0] = np.where(rng.random(n) < 0.9, y, 1 - y)
    fields = (np.zeros((n, 1, 1), np.float32), y, source, source, np.full(n, 256))
    return Data(*fields, trivial, np.ones((n, len(TRIVIAL))), np.zeros((n, 5)))


def test_a_rule_is_a_coin_where_all_pictures_are_alike():
    data = table(np.random.default_rng(0))
    perfect = np.stack([data.y == 1] * 2)
    report = beside(data, (0, 1), perfect)
    assert report["detector"]["balanced_accuracy"] == 1
    assert report["as the files are"]["best"] == "PNG"
    assert 0.85 < report["as the files are"]["rules"]["PNG"]["balanced_accuracy"] < 0.95
    for rule in TRIVIAL:
        found = report["equalised"]["rules"][rule]
        assert (found["balanced_accuracy"], found["interval95_by_source"]) == (0.5, [0.5, 0.5])
    assert report["equalised"]["detector_ahead"] == 0.5
    assert "+50.0 points" in beside_rules(report, {"real": 120, "generated": 120})


def test_sources_are_never_split():
    data = table(np.random.default_rng(1))
    fold = folds(data, 3)
    assert all(len(set(fold[data.source == s])) == 1 for s in set(data.source))
    assert sum(test.sum() for _, test in outer(data, 3)) == len(data.y)


@pytest.mark.parametrize("size", [(300, 200), (200, 1000), (1024, 1024)])
def test_equalised_pictures_differ_in_nothing_but_what_they_show(size):
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    png, square, eights, bytes_a_pixel, pixels = equalised(Picture.from_array(noise))
    assert (png, square, eights, pixels) == (0, 1, 1, 224 * 224)
    assert 0 < bytes_a_pixel < 3


def test_balanced_accuracy_counts_both_classes_alike():
    assert balanced(np.array([True, False, False, False]), np.array([1, 0, 0, 0])) == 1
    assert balanced(np.ones(4, bool), np.array([1, 0, 0, 0])) == 0.5


def test_at_most_two_photographs_in_a_hundred_are_called_generated():
    """The promise of the card, in both dealings, on the files that are shipped."""
    for dealing in read_json("pixels", "metrics.json")["report"]["by_seed"]:
        for level in dealing["levels"]:
            assert level["real_called_generated"]["share"] <= 0.02
