"""How much a sample in strata is worth, of populations that end.

Source: Cochran 1977, Sampling Techniques, sections 5.3 to 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provenance.audit.counts import Rates, Stratum
from provenance.audit.interval import LEAST


def raw_share(strata: Sequence[Stratum]) -> float:
    """The share that was called generated, strata by their size."""
    population = sum(s.population for s in strata)
    return sum(s.population / population * s.called / s.judged for s in strata)


def corrected(raw: float, rates: Rates) -> float:
    """The share of generated pictures that goes with what was called: Rogan and Gladen's."""
    found, accused = rates.sensitivity, 1 - rates.specificity
    return min(1.0, max(0.0, (raw - accused) / (found - accused)))


def answer_variance(called: float, left: float, rates: Rates) -> float:
    """Of one answer of the detector about a picture that was drawn.

    What the detector says of a picture errs by chance, however many of the pictures are judged;
    which pictures were drawn errs less, the more of them there are of all. The finite-population
    correction is for the second part alone.

    Args:
        called: the share that the detector calls generated.
        left: the part of the population that was not drawn.
        rates: of the detector.
    """
    found, accused = _inner(rates)
    drawn = 0.0
    if accused < called < found:  # beyond, all of the spread is the detector's
        share = (called - accused) / (found - accused)
        drawn = share * (1 - share) * (found - accused) ** 2
    return called * (1 - called) - (1 - left) * drawn


def effective(strata: Sequence[Stratum], rates: Rates) -> Callable[[float], float]:
    """The size of a simple random sample from an endless population that is as good.

    It depends on the share of generated pictures, if the population ends. What strata gain or
    lose beside drawing from all alike is taken as at the estimate.

    Args:
        strata: of each of which something was judged.
        rates: of the detector.
    """
    population, judged = sum(s.population for s in strata), sum(s.judged for s in strata)
    raw = min(1 - LEAST / judged, max(LEAST / judged, raw_share(strata)))
    weights = [(s.population / population) ** 2 / s.judged for s in strata]
    left = [1 - s.judged / s.population for s in strata]
    mean_left = sum(w * x for w, x in zip(weights, left, strict=True)) / sum(weights)
    # One answer more, as all strata have it: none is certain of itself, whatever its size.
    smooth = [(s.called + raw) / (s.judged + 1) for s in strata]
    whole = sum(s.population / population * p for s, p in zip(strata, smooth, strict=True))
    apart = 0.0
    for s, p, w, x in zip(strata, smooth, weights, left, strict=True):
        apart += w * (1 + 1 / s.judged) / (1 + 1 / judged) * answer_variance(p, x, rates)
    effect = apart / answer_variance(whole, mean_left, rates)
    found, accused = _inner(rates)

    def size(share: float) -> float:
        p = share * found + (1 - share) * accused
        return p * (1 - p) / (effect * answer_variance(p, mean_left, rates))

    return size


def _inner(rates: Rates) -> tuple[float, float]:
    """Shares found and accused that are neither 0 nor 1."""
    return (rates.found + 0.5) / (rates.generated + 1), (rates.accused + 0.5) / (rates.others + 1)
