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


def answer_variance(share: float, left: float, rates: Rates, called: float | None = None) -> float:
    """Of one answer of the detector about a picture that was drawn.

    What the detector says of a picture errs by chance, however many of the pictures are judged;
    which pictures were drawn errs less, the more of them there are of all. The finite-population
    correction is for the second part alone.

    Args:
        share: of generated pictures.
        left: the part of the population that was not drawn.
        rates: of the detector.
        called: the share that it calls generated, if it is not to follow from `share`.
    """
    found, accused = _inner(rates.found, rates.generated), _inner(rates.accused, rates.others)
    p = share * found + (1 - share) * accused if called is None else called
    drawn = share * (1 - share) * (found - accused) ** 2
    return max(p * (1 - p) - drawn, 0.0) + left * drawn


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

    def alike(share: float, called: float | None = None) -> float:
        """If all strata were alike: linear in what is left, so that its mean will do."""
        mean = sum(w * x for w, x in zip(weights, left, strict=True)) / sum(weights)
        return sum(weights) * answer_variance(share, mean, rates, called)

    # One answer more, as all strata have it: none is certain of itself, whatever its size.
    smooth = [(s.called + raw) / (s.judged + 1) for s in strata]
    whole = sum(s.population / population * p for s, p in zip(strata, smooth, strict=True))
    apart = 0.0
    for s, p, w, x in zip(strata, smooth, weights, left, strict=True):
        lost = (1 + 1 / s.judged) / (1 + 1 / judged)
        apart += w * lost * answer_variance(corrected(p, rates), x, rates, p)
    effect = apart / alike(corrected(whole, rates), whole)

    def size(share: float) -> float:
        found, accused = _inner(rates.found, rates.generated), _inner(rates.accused, rates.others)
        p = share * found + (1 - share) * accused
        return p * (1 - p) / (effect * alike(share))

    return size


def _inner(count: int, of: int) -> float:
    """A share that is neither 0 nor 1."""
    return (count + 0.5) / (of + 1)
