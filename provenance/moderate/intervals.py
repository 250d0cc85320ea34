"""How sure a counted share or a ranking is, with so many pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95

Interval = tuple[float, float]

_NEAR = 1e-9


def upper(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share stays below this, after `k` of `n`, with this confidence (one-sided).

    Source: Clopper and Pearson 1934, which never promises too much.
    """
    from scipy.special import betaincinv

    return 1.0 if k >= n else float(betaincinv(k + 1, n - k, confidence))


def clopper_pearson(k: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The two-sided interval of a share."""
    side = (1 + confidence) / 2
    return 1.0 - upper(n - k, n, side), upper(k, n, side)


def allowed(n: int, bound: float, confidence: float = CONFIDENCE) -> int | None:
    """How many of `n` may be flagged so that the share is at most `bound`; None if n is too small.

    The count depends on n alone, so a threshold may be put where exactly so many sample pictures
    reach it: the share of all pictures above an order statistic has the same distribution
    whatever the scores (Wilks 1941, distribution-free tolerance limits).
    """
    from scipy.special import bdtr

    if n == 0:
        return None
    counts = np.arange(n, dtype=np.float64)
    fits = np.flatnonzero(bdtr(counts, n, bound) <= 1 - confidence)
    return int(fits[-1]) if len(fits) else None


def needed(bound: float, confidence: float = CONFIDENCE) -> int:
    """Safe pictures without which no threshold can promise the bound: with none of them flagged."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-bound))


def auc(safe: Sequence[float], unsafe: Sequence[float]) -> float:
    """How often an unsafe picture scores higher than a safe one; ties count half."""
    low, high = np.sort(np.asarray(safe, np.float64)), np.asarray(unsafe, np.float64)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * len(low)))


def auc_interval(value: float, safe: int, unsafe: int) -> Interval:
    """The 95 % interval of an AUC from so many independent pictures.

    Source: Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic, part 2", 2006, method 5: it stays open at an AUC of 1.
    """
    from scipy.optimize import brentq

    z = 1.959964
    pooled = (safe + unsafe) / 2 - 1

    def gap(t: float) -> float:
        spread = 1 + pooled * ((1 - t) / (2 - t) + t / (1 + t))
        return (value - t) ** 2 * safe * unsafe - z * z * t * (1 - t) * spread

    # At 0 and 1 the value itself solves the equation as well.
    low = 0.0 if value <= 0 else float(brentq(gap, 0.0, value - _NEAR))
    high = 1.0 if value >= 1 else float(brentq(gap, value + _NEAR, 1.0))
    return low, high
