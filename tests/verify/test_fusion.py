"""The arithmetic of the odds, and what never enters it."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provenance.errors import ConfigError
from provenance.evidence import Evidence, Origin, Status, Weight
from provenance.verify.fusion import fuse, usable


def look(source: str, ratio: float, low: float, high: float, n: int = 500) -> Evidence:
    return Evidence(
        source,
        f"{source}.seen",
        Status.SUGGESTED,
        "Seen.",
        origin=Origin.GENERATED,
        weight=Weight(ratio, low, high, n, n),
    )


def absent(source: str) -> Evidence:
    return Evidence(source, f"{source}.none", Status.ABSENT, "Not seen.")


ratios = st.floats(1.001, 1e6)
shares = st.floats(1e-6, 1 - 1e-6)


def test_one_signal_is_bayes_rule():
    fused = fuse([look("hands", 9.0, 4.0, 19.0)])
    assert fused is not None
    assert fused.probability == pytest.approx(0.9)
    assert fused.interval == pytest.approx((0.8, 0.95))


@given(ratios, shares)
def test_the_prior_enters_as_odds(ratio, prior):
    fused = fuse([look("hands", ratio, ratio, ratio)], prior)
    odds = ratio * prior / (1 - prior)
    assert fused.probability == pytest.approx(odds / (1 + odds))


def test_without_a_suggestion_there_is_no_probability():
    assert fuse([]) is None
    assert fuse([absent("hands"), absent("pixels")]) is None


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.SUGGESTED])
def test_only_suggestions_count(status):
    """A claim is as likely as a forger likes, and absence contributes nothing."""
    weighed = Weight(1e6, 1e5, 1e7, 1000, 1000)
    assert fuse([Evidence("x", "x.y", status, "It is.", weight=weighed)]) is None


def test_a_suggestion_without_a_weight_counts_for_nothing():
    assert fuse([Evidence("hands", "hands.odd", Status.SUGGESTED, "Odd.")]) is None


@pytest.mark.parametrize(
    "weight",
    [
        Weight(math.nan, 1, 2, 9, 9),
        Weight(2, math.nan, 3, 9, 9),
        Weight(2, 1, math.nan, 9, 9),
        Weight(2, 1, math.inf, 9, 9),
        Weight(math.inf, 1, math.inf, 9, 9),
        Weight(2, -1, 3, 9, 9),
        Weight(2, 3, 4, 9, 9),
        Weight(5, 1, 4, 9, 9),
        Weight(2, 1, 3, 0, 9),
        Weight(2, 1, 3, 9, 0),
        Weight(1, 0.5, 3, 9, 9),
        Weight(0.2, 0.1, 0.3, 9, 9),
    ],
)
def test_an_unsound_weight_or_one_that_would_clear_a_picture_is_refused(weight):
    unsound = Evidence("hands", "hands.odd", Status.SUGGESTED, "Odd.", weight=weight)
    assert not usable(unsound)
    assert fuse([unsound]) is None


def test_signals_of_one_group_are_not_multiplied():
    strong, weak = look("pixels", 30, 20, 50), look("hands", 9, 4, 19)
    fused = fuse([weak, strong])
    assert fused.counted == (strong,)
    assert fused.passed_over == (weak,)
    assert fused.probability == pytest.approx(30 / 31)
    assert fused.interval[0] == pytest.approx(10 / 11)  # 20 over 2 checks
    assert fused.interval[1] == pytest.approx(50 / 51)


def test_checks_that_found_nothing_were_chosen_from_as_well():
    fused = fuse([look("hands", 30, 20, 50), absent("pixels"), absent("text"), absent("claims")])
    assert fused.looked == {"hands": 3}
    assert fused.interval[0] == pytest.approx((20 / 3) / (20 / 3 + 1))
    assert fused.probability == pytest.approx(30 / 31)


def test_two_findings_of_one_check_count_once():
    fused = fuse([look("hands", 9, 4, 19), look("hands", 9, 4, 19)])
    assert fused.probability == pytest.approx(0.9)
    assert fused.looked == {"hands": 1}


def test_an_unknown_check_joins_those_that_look_at_pixels():
    fused = fuse([look("somebody", 9, 4, 19), look("hands", 30, 20, 50)])
    assert [e.source for e in fused.counted] == ["hands"]


def test_groups_that_were_measured_to_be_independent_are_multiplied():
    fused = fuse([look("a", 9, 4, 19), look("b", 2, 1, 4)], groups={"a": "one", "b": "two"})
    assert fused.probability == pytest.approx(18 / 19)
    assert fused.interval == pytest.approx((4 / 5, 76 / 77))


@given(st.lists(st.tuples(ratios, ratios, ratios), min_size=1, max_size=6), shares)
def test_probabilities_are_ordered_and_stay_in_bounds(triples, prior):
    names = ("hands", "text", "pixels", "w", "x", "y")
    found = [look(n, *_ordered(t)) for n, t in zip(names, triples, strict=False)]
    fused = fuse(found, prior)
    low, high = fused.interval
    assert 0 <= low <= fused.probability <= high <= 1


@given(ratios, ratios, ratios, shares)
def test_a_weaker_signal_beside_it_never_raises_the_lower_end(a, b, c, prior):
    low, ratio, high = sorted((a, b, c))
    assume(low > 1.01)
    alone = fuse([look("hands", ratio, low, high)], prior)
    beside = fuse([look("hands", ratio, low, high), look("text", 1.005, 1.0, 1.01)], prior)
    assert beside.interval[0] <= alone.interval[0]


def _ordered(triple: tuple[float, float, float]) -> tuple[float, float, float]:
    low, ratio, high = sorted(triple)
    return ratio, low, high


def test_a_lower_end_of_nought_gives_a_lower_end_of_nought():
    fused = fuse([look("hands", 5, 0, 50)])
    assert fused.interval[0] == 0


@pytest.mark.parametrize("prior", [0, 1, -0.1, 1.5, math.nan, math.inf])
def test_a_prior_that_is_no_share_is_refused(prior):
    with pytest.raises(ConfigError, match="share of generated pictures"):
        fuse([], prior)
