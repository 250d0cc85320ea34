"""How much of a dataset is synthetic, from a sample and a detector that errs.

A raw count of what a detector calls generated is wrong twice: it misses most of them and accuses
some of the others. Its rates were measured, on so many pictures, so that the count can be corrected
and the interval can carry what is not known: of the sample, of the detection rate, of the false
positives. All of it rests on one assumption, which the report repeats: that the detector errs on
this dataset as it did where it was measured.

Sources: Rogan and Gladen 1978, Estimating prevalence from the results of a screening test, American
Journal of Epidemiology 107(1); the interval is that of Lang and Reiczigel 2014, Confidence limits
for prevalence of disease adjusted for estimated sensitivity and specificity, Preventive Veterinary
Medicine 113(1); stratified sampling with the finite-population correction as in Cochran 1977,
Sampling Techniques, sections 5.3 and 5.6; a difference of two by Zou and Donner 2008, Construction
of confidence limits about effect measures, Statistics in Medicine 27(10).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from provenance.errors import InputError

Z = 1.959963984540054
"""The normal quantile of 97.5 %."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How a detector did where it was measured.

    Attributes:
        found: generated pictures that it called generated.
        generated: of how many.
        accused: other pictures that it called generated.
        others: of how many.

    Raises:
        InputError: the counts cannot be, or the detector is no better than a coin.
    """

    found: int
    generated: int
    accused: int
    others: int

    def __post_init__(self) -> None:
        """Hold the promise on the counts."""
        if not (0 <= self.found <= self.generated and 0 <= self.accused <= self.others):
            raise InputError(f"{self} cannot be counts of a detector")
        if min(self.generated, self.others) == 0 or self.sensitivity <= 1 - self.specificity:
            raise InputError(
                f"{self} tells generated pictures from others no better than a coin, so that "
                "nothing can be estimated with it"
            )

    @property
    def sensitivity(self) -> float:
        """Share of generated pictures that are found."""
        return self.found / self.generated

    @property
    def specificity(self) -> float:
        """Share of other pictures that are not accused."""
        return 1 - self.accused / self.others


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the dataset: a class, a folder, a split, or all of it.

    Attributes:
        name: of the part.
        population: pictures in it.
        judged: those that were drawn at random and that the detector judged.
        called: of these, those that it called generated.
    """

    name: str
    population: int
    judged: int
    called: int

    def __post_init__(self) -> None:
        """Hold the promise on the counts.

        Raises:
            InputError: they cannot be.
        """
        if not 0 <= self.called <= self.judged <= self.population:
            raise InputError(f"{self} cannot be counts of a sample")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval, all in [0, 1].

    Attributes:
        share: the estimate.
        low: lower end.
        high: upper end.
        raw: the share that the detector called generated, uncorrected.
        judged: pictures that it rests on.
        population: pictures that it speaks of.
    """

    share: float
    low: float
    high: float
    raw: float
    judged: int
    population: int

    def to_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "share": round(self.share, 6),
            "interval95": [round(self.low, 6), round(self.high, 6)],
            "raw_share": round(self.raw, 6),
            "judged": self.judged,
            "population": self.population,
        }


def prevalence(strata: Sequence[Stratum], rates: Rates) -> Estimate | None:
    """The share of generated pictures, corrected for the detector's errors.

    Args:
        strata: parts that together are the dataset. Those of which nothing was judged are left
            out, and so is their population.
        rates: of the detector.

    Returns:
        The estimate, or None if nothing was judged.
    """
    sampled = [s for s in strata if s.judged]
    population, judged = sum(s.population for s in sampled), sum(s.judged for s in sampled)
    if not judged:
        return None
    raw = sum(s.population / population * s.called / s.judged for s in sampled)
    share = _corrected(raw, rates.sensitivity, rates.specificity)
    low, high = _interval(raw, _effective(sampled, population, raw, rates), rates)
    # The interval's own middle is pulled towards one half, so that it can miss an end of [0, 1].
    return Estimate(share, min(low, share), max(high, share), raw, judged, population)


def with_known(rest: Estimate | None, known: int, unknown: int) -> Estimate | None:
    """The share in all of a dataset, some of which is known to be generated without a detector.

    Args:
        rest: the estimate for what is not known.
        known: pictures that are generated by other evidence.
        unknown: all others.
    """
    total = known + unknown
    if not total or (rest is None and unknown):
        return None
    if rest is None:
        return Estimate(1.0, 1.0, 1.0, 1.0, 0, total)

    def whole(share: float) -> float:
        return (known + unknown * share) / total

    return replace(
        rest,
        share=whole(rest.share),
        low=whole(rest.low),
        high=whole(rest.high),
        raw=whole(rest.raw),
        population=total,
    )


def needed(strata: Sequence[Stratum], rates: Rates, half_width: float) -> int | None:
    """How many pictures must be judged in all for an interval of ± `half_width`.

    Returns:
        The number, at least as many as were judged; or None if no sample is enough, not even
        everything: then the detector must be measured on more pictures.
    """
    sampled = [s for s in strata if s.judged]
    if not sampled or not 0 < half_width < 1:
        return None
    population, judged = sum(s.population for s in sampled), sum(s.judged for s in sampled)
    raw = sum(s.population / population * s.called / s.judged for s in sampled)

    def wide(count: int) -> float:
        scaled = [_scaled(s, count / judged) for s in sampled]
        low, high = _interval(raw, _effective(scaled, population, raw, rates), rates)
        return (high - low) / 2

    if wide(judged) <= half_width:
        return judged
    if wide(population) > half_width:
        return None
    least, most = judged, population
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if wide(middle) <= half_width else (middle, most)
    return most


def bootstrap(
    strata: Sequence[Stratum], rates: Rates, draws: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % interval once more, by drawing counts and rates again: a check on the formula.

    All come from their posteriors under Jeffreys' prior; those of the counts are drawn together as
    far as the finite-population correction says.
    """
    sampled = [s for s in strata if s.judged]
    if not sampled:
        return None
    random = np.random.default_rng(seed)
    population = sum(s.population for s in sampled)
    raw = np.zeros(draws)
    for s in sampled:
        called = random.beta(s.called + 0.5, s.judged - s.called + 0.5, draws)
        p = _smoothed(s.called, s.judged)
        narrower = math.sqrt(_variance(s, rates) / (p * (1 - p)))
        raw += s.population / population * (p + narrower * (called - p))
    se = random.beta(rates.found + 0.5, rates.generated - rates.found + 0.5, draws)
    false = random.beta(rates.accused + 0.5, rates.others - rates.accused + 0.5, draws)
    good = se > false
    shares = np.clip((raw[good] - false[good]) / (se[good] - false[good]), 0, 1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(low), float(high)


def difference(now: Estimate, before: Estimate) -> tuple[float, float, float]:
    """How much larger the share is now, with its 95 % interval.

    The two are taken as independent. They share the detector's rates, so the interval is rather too
    wide than too narrow.
    """
    change = now.share - before.share
    low = change - math.hypot(now.share - now.low, before.high - before.share)
    high = change + math.hypot(now.high - now.share, before.share - before.low)
    return change, max(-1.0, low), min(1.0, high)


def _corrected(raw: float, sensitivity: float, specificity: float) -> float:
    return min(1.0, max(0.0, (raw + specificity - 1) / (sensitivity + specificity - 1)))


def _effective(sampled: Sequence[Stratum], population: int, raw: float, rates: Rates) -> float:
    """The size of a simple random sample from an endless population that is as good.

    What the detector says of a picture errs by chance, however many of the pictures are judged;
    which pictures were drawn errs less, the more of them there are of all. The finite-population
    correction is for the second part alone.
    """
    variance = sum(
        (s.population / population) ** 2 * _variance(s, rates) / s.judged for s in sampled
    )
    judged = sum(s.judged for s in sampled)
    p = _smoothed(raw * judged, judged)
    return p * (1 - p) / variance


def _variance(stratum: Stratum, rates: Rates) -> float:
    """Of one answer of the detector about a picture drawn from the stratum."""
    se, false = _smoothed(rates.found, rates.generated), _smoothed(rates.accused, rates.others)
    p = _smoothed(stratum.called, stratum.judged)  # no stratum is taken for certain
    share = _corrected(p, se, 1 - false) if se > false else p
    errs = share * se * (1 - se) + (1 - share) * false * (1 - false)
    left = 1 - stratum.judged / stratum.population
    return errs + left * max(0.0, p * (1 - p) - errs)


def _smoothed(count: float, of: int) -> float:
    return (count + 0.5) / (of + 1)


def _interval(raw: float, size: float, rates: Rates) -> tuple[float, float]:
    """Lang and Reiczigel's interval, for a sample as good as `size` from an endless population."""
    n_se, n_sp = rates.generated + 2, rates.others + 2
    se, sp = (rates.found + 1) / n_se, (rates.others - rates.accused + 1) / n_sp
    p = (size * raw + Z**2 / 2) / (size + Z**2)
    drawn = p * (1 - p) / (size + Z**2)
    gain = se + sp - 1
    if gain <= 0:
        return 0.0, 1.0
    share = _corrected(p, se, sp)
    v_se, v_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * Z**2 * (share * v_se - (1 - share) * v_sp)
    error = math.sqrt(drawn + share**2 * v_se + (1 - share) ** 2 * v_sp) / gain
    middle = share + shift
    return min(1.0, max(0.0, middle - Z * error)), min(1.0, max(0.0, middle + Z * error))


def _scaled(stratum: Stratum, factor: float) -> Stratum:
    judged = min(stratum.population, max(1, round(stratum.judged * factor)))
    called = min(judged, round(stratum.called * judged / stratum.judged))
    return replace(stratum, judged=judged, called=called)
