"""Trivial rules beside the detector: the best cut of one number that needs no look at the picture.

On the files as they are, and on the pictures as the detector gets them, equal in size and format.
Cuts are chosen on the training sources of each fold, and judged on the others, as the detector is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.pixels.data import Data, outer
from models.pixels.facts import TRIVIAL
from models.pixels.measures import balanced, by_sources

Decisions = NDArray[np.bool_]
"""By dealing and picture."""


def beside(data: Data, seeds: tuple[int, ...], likelier: Decisions) -> dict[str, Any]:
    """Balanced accuracy of every rule and of the detector, which is `likelier`, and the distance.

    Values are the means of the dealings; intervals draw whole sources again.
    """
    rng = np.random.default_rng(2)
    report: dict[str, Any] = {"detector": _measured(data, likelier, rng)}
    for name, numbers in (("as the files are", data.trivial), ("equalised", data.equalised)):
        hits = {rule: _hits(data, numbers[:, k], seeds) for k, rule in enumerate(TRIVIAL)}
        rules = {rule: _measured(data, hit, rng) for rule, hit in hits.items()}
        best = max(rules, key=lambda rule: rules[rule]["balanced_accuracy"])
        ahead = by_sources(data, _ahead(data, likelier, hits[best]), rng)
        every = np.arange(len(data.y))
        report[name] = {
            "rules": rules,
            "best": best,
            "detector_ahead": round(_ahead(data, likelier, hits[best])(every), 4),
            "interval95_by_source": [round(x, 4) for x in ahead],
        }
    return report


def _hits(data: Data, numbers: NDArray[np.float64], seeds: tuple[int, ...]) -> Decisions:
    hit = np.zeros((len(seeds), len(data.y)), bool)
    for at, seed in enumerate(seeds):
        for train, test in outer(data, seed):
            hit[at, test] = _rule(numbers[train], data.y[train])(numbers[test])
    return hit


def _rule(x: NDArray[np.float64], y: NDArray[np.int64]) -> Callable[..., Decisions]:
    """The best cut of one number, either way."""
    options = [(cut, way) for cut in np.unique(x) for way in (1, -1)]
    cut, way = max(options, key=lambda o: balanced(o[1] * x >= o[1] * o[0], y))
    return lambda v: way * v >= way * cut


def _mean(data: Data, hit: Decisions) -> Callable[[NDArray[np.int64]], float]:
    return lambda rows: float(np.mean([balanced(h[rows], data.y[rows]) for h in hit]))


def _ahead(data: Data, one: Decisions, two: Decisions) -> Callable[[NDArray[np.int64]], float]:
    return lambda rows: _mean(data, one)(rows) - _mean(data, two)(rows)


def _measured(data: Data, hit: Decisions, rng: np.random.Generator) -> dict[str, Any]:
    low, high = by_sources(data, _mean(data, hit), rng)
    every = np.arange(len(data.y))
    return {
        "balanced_accuracy": round(_mean(data, hit)(every), 4),
        "interval95_by_source": [round(low, 4), round(high, 4)],
        "by_dealing": [round(balanced(h, data.y), 4) for h in hit],
    }
