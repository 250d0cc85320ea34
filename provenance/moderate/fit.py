"""Finds thresholds that keep the share of safe pictures flagged under a bound, and says how sure.

The promise is for pictures like those in the folder of safe ones, each judged by itself: with 95 %
confidence, at most the bound of them reaches the threshold. Where the folder is too small for that
promise, there is no threshold, and the number of pictures that it would take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provenance.errors import InputError
from provenance.moderate.intervals import (
    CONFIDENCE,
    Interval,
    allowed,
    clopper_pearson,
    needed,
    upper,
)

_STEP = 1e-4
"""Thresholds are rounded up to this, which flags no more."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found for one category.

    Attributes:
        category: which.
        bound: largest share of safe pictures that may be flagged.
        safe: different safe pictures; copies of one count once, with their highest score.
        needed: safe pictures without which no threshold can promise the bound.
        threshold: flag from here on; None if there is no such threshold, see `problem`.
        flagged: safe pictures at or over the threshold.
        upper: the share of safe pictures flagged stays below this, with 95 % confidence.
        unsafe: different unsafe pictures; copies count once, with their lowest score.
        found: unsafe pictures at or over the threshold.
        recall: 95 % interval of the share found; None without unsafe pictures.
        problem: why there is no threshold; empty if there is one.
    """

    category: str
    bound: float
    safe: int
    needed: int
    threshold: float | None = None
    flagged: int = 0
    upper: float = 1.0
    unsafe: int = 0
    found: int = 0
    recall: Interval | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        recall = None
        if self.recall is not None:
            low, high = self.recall
            recall = {"share": self.found / self.unsafe, "interval95": [low, high]}
        return {
            "category": self.category,
            "max_safe_flagged": self.bound,
            "threshold": self.threshold,
            "safe": self.safe,
            "safe_needed": self.needed,
            "safe_flagged": self.flagged,
            "safe_flagged_upper95": self.upper,
            "unsafe": self.unsafe,
            "unsafe_found": self.found,
            "recall": recall,
            "problem": self.problem,
        }


def fit(category: str, safe: Sequence[float], unsafe: Sequence[float], bound: float) -> Fit:
    """The lowest threshold that keeps the bound, and what it finds.

    Args:
        category: named in the result.
        safe: scores of independent safe pictures, in [0, 1]; see `once`.
        unsafe: scores of pictures with the category; may be empty.
        bound: share of safe pictures that may be flagged, over 0 and under 1.

    Raises:
        InputError: a bound or a score outside its range.
    """
    if not 0 < bound < 1:
        raise InputError(
            f"the share of safe pictures is {bound}; expected over 0 % and under 100 %"
        )
    if not all(0 <= score <= 1 for score in (*safe, *unsafe)):
        raise InputError(f"a score for {category} is not in 0 to 1; the classifier is broken")
    n, least = len(safe), needed(bound)
    base = Fit(category, bound, n, least, unsafe=len(unsafe))
    may = allowed(n, bound)
    if may is None:
        return _without(
            base,
            f"{n} different safe pictures are too few to promise {_percent(bound)} with "
            f"{CONFIDENCE:.0%} confidence: it takes at least {least}, none of them flagged",
        )
    edge = sorted(safe, reverse=True)[may]
    threshold = _over(edge)
    if threshold > 1:
        return _without(
            base,
            f"more than {may} of {n} safe pictures score {edge:.4f}, as high as can be; no "
            "threshold spares them",
        )
    flagged = sum(score >= threshold for score in safe)
    found = sum(score >= threshold for score in unsafe)
    recall = clopper_pearson(found, len(unsafe)) if unsafe else None
    return Fit(
        category,
        bound,
        n,
        least,
        threshold,
        flagged,
        upper(flagged, n),
        len(unsafe),
        found,
        recall,
    )


def once(scores: Sequence[float], groups: Sequence[int], *, highest: bool) -> list[float]:
    """One score for each group of copies: the highest (safe) or the lowest (unsafe) of them."""
    best: dict[int, float] = {}
    pick = max if highest else min
    for score, group in zip(scores, groups, strict=True):
        best[group] = pick(score, best.get(group, score))
    return list(best.values())


def toml_lines(fits: Sequence[Fit]) -> str:
    """What to paste into a policy: each threshold, with what was measured as a comment."""
    out = []
    for each in fits:
        if each.threshold is None:
            continue
        out.append(f"[categories.{each.category}]")
        out.append(f"flag = {each.threshold:.4f}  # {_measured(each)}")
    return "\n".join(out)


def parse_share(text: str) -> float:
    """`2%`, `2 %` or `0.02` as 0.02.

    Raises:
        InputError: no share over 0 and under 1.
    """
    number = text.strip().removesuffix("%")
    try:
        value = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise InputError(f"the share is {text!r}; expected 2% or 0.02, over 0 % and under 100 %")
    return value


def _measured(each: Fit) -> str:
    text = (
        f"flags {each.flagged} of {each.safe} safe pictures, below {_percent(each.upper)} at "
        f"{CONFIDENCE:.0%}"
    )
    if each.recall is not None:
        low, high = (100 * side for side in each.recall)
        text += f"; finds {each.found} of {each.unsafe} ({low:.1f} to {high:.1f} %)"
    return text


def _over(score: float) -> float:
    """The lowest rounded number above a score."""
    rounded = round(math.ceil(score / _STEP) * _STEP, 4)
    return rounded if rounded > score else round(rounded + _STEP, 4)


def _without(base: Fit, problem: str) -> Fit:
    return Fit(
        base.category, base.bound, base.safe, base.needed, unsafe=base.unsafe, problem=problem
    )


def _percent(share: float) -> str:
    return f"{float(np.format_float_positional(100 * share, 3, fractional=False)):g} %"
