"""The estimate and its interval hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provenance.audit.interval import limit
from provenance.audit.statistics import (
    Estimate,
    Rates,
    Stratum,
    bootstrap,
    difference,
    needed,
    prevalence,
    with_known,
)
from provenance.errors import InputError

RATES = Rates(180, 300, 14, 700)


def test_rogan_and_gladen() -> None:
    """Worked by hand: (0.14 - 0.02) / (0.6 - 0.02)."""
    estimate = prevalence([Stratum("all", 10_000, 1000, 140)], RATES)
    assert estimate is not None
    assert estimate.raw == pytest.approx(0.14)
    assert estimate.share == pytest.approx(0.12 / 0.58)
    assert estimate.low < estimate.share < estimate.high


def test_without_judged_pictures_there_is_no_estimate() -> None:
    assert prevalence([Stratum("all", 10, 0, 0)], RATES) is None
    assert prevalence([], RATES) is None
    assert bootstrap([], RATES) is None
    assert needed([], RATES, 0.05) is None


def test_strata_count_by_their_size() -> None:
    """Cochran 1977, equation 5.1, with both corrected alike."""
    strata = [Stratum("a", 9000, 100, 50), Stratum("b", 1000, 100, 10)]
    estimate = prevalence(strata, RATES)
    assert estimate is not None
    assert estimate.raw == pytest.approx(0.9 * 0.5 + 0.1 * 0.1)


def test_more_of_a_small_population_makes_it_narrower() -> None:
    def wide(population: int) -> float:
        estimate = prevalence([Stratum("all", population, 500, 150)], RATES)
        assert estimate is not None
        return estimate.high - estimate.low

    assert wide(500) < wide(1000) < wide(1_000_000)


@pytest.mark.parametrize(
    "counts", [(5, 4, 0, 1), (0, 0, 0, 1), (1, 2, 1, 1), (1, 10, 5, 10), (1, 5, 1, 5)]
)
def test_rates_that_tell_nothing_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError):
        Rates(*counts)
    with pytest.raises(InputError):
        Stratum("a", 5, 6, 0)


shares = st.floats(0, 1)


@given(st.integers(1, 500), shares, shares, st.integers(1, 5))
def test_the_interval_holds_the_estimate_inside_the_possible(
    judged: int, part: float, called: float, times: int
) -> None:
    strata = [Stratum("a", judged * times, judged, int(called * judged))]
    estimate = prevalence(strata, RATES)
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.share <= estimate.high <= 1
    whole = with_known(estimate, int(100 * part), judged * times)
    assert whole is not None
    assert 0 <= whole.low <= whole.share <= whole.high <= 1
    assert whole.share >= estimate.share - 1e-12


def held(rates: tuple[float, float], true: float, part: float, seed: int) -> float:
    """How often of 1,500 the interval holds the true share, with rates that were measured too."""
    random = np.random.default_rng(seed)
    (found, accused), sizes, hits = rates, (4000, 1000, 5000), 0
    for _ in range(1500):
        strata, generated = [], 0
        for n, (size, factor) in enumerate(zip(sizes, (0.5, 1.0, 1.4), strict=True)):
            there = random.binomial(size, min(1.0, factor * true))
            drawn = int(size * part)
            right = random.hypergeometric(there, size - there, drawn)
            called = random.binomial(right, found) + random.binomial(drawn - right, accused)
            strata.append(Stratum(str(n), size, drawn, int(called)))
            generated += there
        measured = Rates(random.binomial(442, found), 442, random.binomial(560, accused), 560)
        estimate = prevalence(strata, measured)
        assert estimate is not None
        hits += estimate.low <= generated / sum(sizes) <= estimate.high
    return hits / 1500


@pytest.mark.parametrize(
    ("rates", "true", "part"),
    [
        ((0.3, 0.015), 0.01, 0.1),
        ((0.3, 0.015), 0.05, 0.1),
        ((0.6, 0.05), 0.2, 1.0),
        ((0.9, 0.002), 0.02, 0.3),
    ],
)
def test_nineteen_times_in_twenty_it_holds_the_truth(
    rates: tuple[float, float], true: float, part: float
) -> None:
    """Small shares too, where Lang and Reiczigel's interval, of 2014, holds it 98 times in 100."""
    assert 0.93 <= held(rates, true, part, seed=3) <= 0.97


def test_near_nothing_the_limits_are_those_of_feldman_and_cousins() -> None:
    """For a mean that cannot be negative; so their upper end is 0.42 for -3 seen, 1.96 for 0."""
    assert limit(0, 100) == pytest.approx(1.645, abs=1e-3)
    assert limit(1.96, 100) == pytest.approx(1.96, abs=1e-4)
    assert limit(100, 0) == pytest.approx(limit(0, 100))
    for seen, end in ((-3, 0.42), (0, 1.96)):
        assert end**2 - 2 * end * seen == pytest.approx(limit(end, 100) ** 2, abs=0.05)
    assert 1.645 < limit(0.5, 100) < limit(1, 100) < 1.96


def test_no_call_at_all_still_leaves_room() -> None:
    """0 of 200 by a detector that never errs: as the mid-P interval, 3.0 / 200."""
    sure = Rates(10**6, 10**6, 0, 10**6)
    estimate = prevalence([Stratum("all", 10**9, 200, 0)], sure)
    assert estimate is not None
    assert (estimate.share, estimate.low) == (0, 0)
    assert estimate.high == pytest.approx(3.0 / 200, rel=0.05)


def test_fewer_calls_than_false_ones_are_no_proof_of_nothing() -> None:
    """An interval of nothing but 0 would say that we know."""
    estimate = prevalence([Stratum("all", 10_000, 200, 0)], Rates(144, 442, 13, 560))
    assert estimate is not None
    assert estimate.low == 0
    assert estimate.high > 0.01


counts = st.integers(0, 40)


@given(counts, counts, st.integers(1, 40), counts, st.integers(1, 40), st.integers(1, 50))
def test_it_answers_whatever_was_counted(
    called: int, found: int, generated: int, accused: int, others: int, times: int
) -> None:
    found, accused = min(found, generated), min(accused, others)
    assume(found * others > accused * generated)
    judged = max(1, called + generated - 1)
    strata = [Stratum("a", judged * times, judged, called), Stratum("b", 3, 2, 1)]
    estimate = prevalence(strata, Rates(found, generated, accused, others))
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.share <= estimate.high <= 1


def test_rates_of_which_one_was_hardly_measured() -> None:
    """1 of 442 found, 0 of 1 accused: for all we know, worse than a coin."""
    estimate = prevalence([Stratum("all", 1000, 1000, 1)], Rates(1, 442, 0, 1))
    assert estimate is not None
    assert (estimate.low, estimate.high) == (0, 1)


def test_more_judged_and_better_measured_is_narrower() -> None:
    def wide(times: int, measured: int) -> float:
        rates = Rates(144 * measured, 442 * measured, 9 * measured, 560 * measured)
        estimate = prevalence([Stratum("all", 10**8, 1000 * times, 50 * times)], rates)
        assert estimate is not None
        return estimate.high - estimate.low

    assert wide(1, 1) > wide(2, 1) > wide(10, 1) > wide(100, 1)
    assert wide(10, 1) > wide(10, 2) > wide(10, 20)


def test_the_bootstrap_agrees() -> None:
    strata = [Stratum("a", 4000, 400, 60), Stratum("b", 6000, 600, 200)]
    estimate, drawn = prevalence(strata, RATES), bootstrap(strata, RATES)
    assert estimate is not None
    assert drawn is not None
    assert drawn == pytest.approx((estimate.low, estimate.high), abs=0.02)
    assert bootstrap(strata, RATES) == drawn


def test_how_many_more_are_needed() -> None:
    strata = [Stratum("all", 1_000_000, 200, 40)]
    count = needed(strata, RATES, 0.05)
    assert count is not None
    assert 200 < count < 1_000_000
    scaled = [Stratum("all", 1_000_000, count, round(count * 0.2))]
    estimate = prevalence(scaled, RATES)
    assert estimate is not None
    assert (estimate.high - estimate.low) / 2 <= 0.0505
    # The rates themselves are not known better than this.
    assert needed(strata, RATES, 0.001) is None
    assert needed(strata, RATES, 0.5) == 200


def test_a_difference_has_an_interval_wider_than_either() -> None:
    before, now = (Estimate(s, s - 0.03, s + 0.05, s, 100, 1000) for s in (0.1, 0.2))
    change, low, high = difference(now, before)
    assert change == pytest.approx(0.1)
    assert low == pytest.approx(0.1 - math.hypot(0.03, 0.05))
    assert high == pytest.approx(0.1 + math.hypot(0.05, 0.03))


def test_what_is_known_needs_no_detector() -> None:
    assert with_known(None, 5, 5) is None
    whole = with_known(None, 5, 0)
    assert whole is not None
    assert (whole.share, whole.low, whole.high) == (1, 1, 1)
