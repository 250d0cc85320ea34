"""Which shares of generated pictures go with what a detector said: the 95 % interval.

A share is held against three counts at once: of calls in the sample, and, where the detector was
measured, of generated pictures found and of others accused. The two rates are fitted to it as well
as they can be; it is inside the interval if the deviance that is left may be chance.

How much may be chance depends on how near the share is to 0 or 1, for no estimate lies beyond. With
1.96 standard errors everywhere, a share near 0 would be held by 97.5 % of intervals, and some would
be nothing but 0. The limits of Feldman and Cousins go from 1.645 at the very end to 1.96 from there
on where the end is 1.96 standard errors away.

Sources: Feldman and Cousins 1998, Unified approach to the classical statistical analysis of small
signals, Physical Review D 57(7), section IV; for rates that have to be fitted, Sen, Walker and
Woodroofe 2009, On the unified method with nuisance parameters, Statistica Sinica 19(1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from provenance.audit.counts import Rates

Z = 1.959963984540054
"""The normal quantile of 97.5 %."""

LEAST = 1 / 3
"""What no call at all counts for, and as much is taken off if all were called.

The deviance of 0 of n ends at 1.92 / n, where 0 are still drawn in 15 of 100 samples. That of 1/3
ends at 2.96 / n, as the mid-P interval of 0 does at 3.0 / n.
"""


class Count(NamedTuple):
    """A share that was seen, of how many, and what the sum to be held at 0 multiplies it with."""

    share: float
    of: float
    factor: float


class Fit(NamedTuple):
    """How a share goes with the counts.

    Attributes:
        root: of the deviance; above 0 if more was called than the share explains.
        low: standard errors from a share of 0.
        high: standard errors to a share of 1.
    """

    root: float
    low: float
    high: float


def interval(
    raw: float, judged: int, size: Callable[[float], float], rates: Rates
) -> tuple[float, float]:
    """The shares of generated pictures that are not refuted, as the least and the greatest.

    Args:
        raw: the share that was called generated.
        judged: of how many pictures.
        size: of a simple random sample from an endless population that would be as good, if the
            share of generated pictures were this.
        rates: of the detector.
    """
    from scipy.optimize import brentq  # slow to import

    raw = min(1 - LEAST / judged, max(LEAST / judged, raw))
    gain = rates.sensitivity + rates.specificity - 1
    estimate = min(1.0, max(0.0, (raw + rates.specificity - 1) / gain))

    def too_low(share: float) -> float:
        fit = fitted(raw, size(share), rates, share)
        return -_left(-fit.root, fit.high, limit(fit.low, fit.high))

    def too_high(share: float) -> float:
        fit = fitted(raw, size(share), rates, share)
        return _left(fit.root, fit.low, limit(fit.low, fit.high))

    low, high = 0.0, 1.0
    if estimate > 0 and too_low(0.0) > 0:
        low = brentq(too_low, 0.0, estimate, xtol=1e-9)
    if estimate < 1 and too_high(1.0) < 0:
        high = brentq(too_high, estimate, 1.0, xtol=1e-9)
    return low, high


def fitted(raw: float, size: float, rates: Rates, share: float) -> Fit:
    """Hold a share against the counts, with the rates that go best with it."""
    counts = (
        Count(raw, size, 1.0),
        Count(rates.sensitivity, rates.generated, -share),
        Count(1 - rates.specificity, rates.others, share - 1),
    )
    fits = _likeliest(counts)
    deviance = 2 * sum(c.of * _divergence(c.share, p) for c, p in zip(counts, fits, strict=True))
    variance = sum(c.factor**2 * p * (1 - p) / c.of for c, p in zip(counts, fits, strict=True))
    surplus = sum(c.factor * c.share for c in counts)
    # As measured: far from the truth the fitted rates may not tell the two kinds apart.
    gain = (rates.sensitivity + rates.specificity - 1) / math.sqrt(variance)
    root = math.copysign(math.sqrt(max(0.0, deviance)), surplus)
    return Fit(root, share * gain, (1 - share) * gain)


def limit(low: float, high: float) -> float:
    """How far the root may be from 0, so that a share is held by 95 % of intervals.

    Args:
        low: standard errors from a share of 0.
        high: standard errors to a share of 1.
    """
    from scipy.optimize import brentq

    if min(low, high) >= Z:
        return Z

    def surplus(s: float) -> float:
        return _normal(_reach(s, high)) - _normal(-_reach(s, low)) - 0.95

    return float(brentq(surplus, 0.0, Z, xtol=1e-9))


def _reach(s: float, end: float) -> float:
    """How far from the share an estimate may be on the side of this end, if `s` is the limit."""
    if end >= s:
        return s
    return (end**2 + s**2) / (2 * end) if end else math.inf


def _left(root: float, end: float, s: float) -> float:
    """How much is left until `root` reaches the limit on the side of this end; below 0: beyond.

    It is the difference of squares to the best share that can be, so that it stays finite at 0.
    """
    return 2 * s * (s + root) if end >= s else s**2 + end**2 + 2 * end * root


def _likeliest(counts: tuple[Count, ...]) -> list[float]:
    """The shares that go best with the counts, of all of which the sum is 0."""
    from scipy.optimize import brentq

    def total(pull: float) -> float:
        return sum(c.factor * _pulled(c, pull) for c in counts)

    surplus = total(0.0)
    if surplus == 0:
        return [c.share for c in counts]
    spread = sum(c.factor**2 * (c.share * (1 - c.share) + 1 / c.of) / c.of for c in counts)
    edge = surplus / spread
    while total(edge) * surplus > 0 and abs(edge) < 1e15:
        edge *= 2
    pull = brentq(total, *sorted((0.0, edge)), rtol=1e-9) if abs(edge) < 1e15 else edge
    return [_pulled(c, pull) for c in counts]


def _pulled(count: Count, pull: float) -> float:
    """Where the likelihood of a count and a pull on it (a Lagrange multiplier) are even."""
    seen, of, factor = count
    force = pull * factor
    both = of + force
    root = math.sqrt(abs(both * both - 4 * force * of * seen))  # below 0 by rounding alone
    even = 2 * of * seen / (both + root) if both > 0 else (both - root) / (2 * force)
    return 0.0 if even < 0 else 1.0 if even > 1 else even


def _divergence(seen: float, p: float) -> float:
    """Of Kullback and Leibler, between two shares."""
    pairs = ((seen, p), (1 - seen, 1 - p))
    return sum(a * math.log(a / max(b, 1e-300)) for a, b in pairs if a > 0)


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
