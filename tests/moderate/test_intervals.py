"""Bounds hold as often as they promise."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.moderate.intervals import (
    allowed,
    auc,
    auc_interval,
    clopper_pearson,
    needed,
    upper,
)


def test_the_rule_of_three():
    assert needed(0.02) == 149
    assert allowed(148, 0.02) is None
    assert allowed(149, 0.02) == 0
    assert allowed(0, 0.02) is None
    assert upper(0, 149) < 0.02 < upper(0, 148)


def test_clopper_and_pearson_as_published():
    """8 of 10: 44.39 % to 97.48 %, the textbook example."""
    low, high = clopper_pearson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4439, 0.9748)
    assert clopper_pearson(0, 10)[0] == 0.0
    assert clopper_pearson(10, 10)[1] == 1.0


@pytest.mark.parametrize(("n", "bound"), [(149, 0.02), (500, 0.02), (300, 0.05), (60, 0.05)])
def test_the_promise_on_safe_pictures_holds_in_95_of_100_samples(n, bound):
    """The true share above the order statistic, for uniform scores, is one minus the score."""
    rng = np.random.default_rng(3)
    may = allowed(n, bound)
    assert may is not None
    edges = np.sort(rng.random((4000, n)), axis=1)[:, n - 1 - may]
    assert (1 - edges <= bound).mean() >= 0.94


def test_the_count_is_the_largest_that_keeps_the_promise():
    for n in (149, 500, 2000):
        may = allowed(n, 0.02)
        assert upper(may, n) <= 0.02 < upper(may + 1, n)


def test_auc_by_hand():
    assert auc([0.1, 0.2], [0.3, 0.4]) == 1.0
    assert auc([0.3, 0.4], [0.1, 0.2]) == 0.0
    assert auc([0.5], [0.5]) == 0.5
    assert auc([0.1, 0.5], [0.5, 0.9]) == 0.875


def test_a_perfect_auc_of_few_pictures_is_not_certain():
    low, high = auc_interval(1.0, 20, 20)
    assert 0.85 < low < 0.95
    assert high == 1.0
    assert auc_interval(0.0, 20, 20)[1] == pytest.approx(1 - low)
    assert auc_interval(1.0, 500, 500)[0] > 0.99


@pytest.mark.parametrize(
    ("apart", "safe", "unsafe", "true"), [(1, 30, 30, 0.7602), (2.5, 15, 15, 0.9615)]
)
def test_the_interval_of_an_auc_covers(apart, safe, unsafe, true):
    """Normal scores `apart` from each other have an AUC of Phi(apart / sqrt 2)."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        value = auc(
            rng.standard_normal(safe).tolist(), (rng.standard_normal(unsafe) + apart).tolist()
        )
        low, high = auc_interval(value, safe, unsafe)
        hits += low <= true <= high
    assert hits >= 0.92 * 400
