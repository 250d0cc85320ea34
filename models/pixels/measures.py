"""Decisions, where they are cut, and how sure what is counted of them is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.pixels.data import Data
from provenance.moderate.intervals import clopper_pearson

DRAWS = 500
"""Times that the sources are drawn again for what is reported."""

CUTTING = 1000
"""The same for a threshold."""


def called(read: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Generated in every reading; anything else is unsure."""
    result: NDArray[np.bool_] = (read >= threshold).all(axis=1)
    return result


def threshold_for(
    read: NDArray[np.float64], y: NDArray[np.int64], source: NDArray[np.str_], ceiling: float
) -> float:
    """The lowest threshold that photographs reach, in every reading, surely no oftener than this.

    Sure is what holds at the upper end of two 95 % intervals of their share: the exact one, and
    that of whole sources drawn again, for the mistakes of a source come together. If no count but
    none is low enough, or none is, the threshold is one that no photograph reaches.
    """
    lowest, source = read[y == 0].min(axis=1), source[y == 0]
    names, place = np.unique(source, return_inverse=True)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=CUTTING)
    pictures = drawn @ np.bincount(place)
    order = np.argsort(-lowest)
    wrong = np.zeros(len(names))
    for count, at in enumerate(order, 1):
        wrong[place[at]] += 1
        _, exact = clopper_pearson(count, len(lowest))
        if max(exact, float(np.quantile(drawn @ wrong / pictures, 0.975))) > ceiling:
            break
    return float(np.nextafter(lowest[at], np.inf))


def middle(scores: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The cut with the highest balanced accuracy."""
    cuts = np.quantile(scores, np.linspace(0.01, 0.99, 197))
    return float(max(cuts, key=lambda cut: balanced(scores >= cut, y)))


def balanced(hit: NDArray[np.bool_], y: NDArray[np.int64]) -> float:
    """Mean of the shares that are right in each class."""
    return float((hit[y == 1].mean() + (~hit[y == 0]).mean()) / 2)


def by_sources(
    data: Data, value: Callable[[NDArray[np.int64]], float], rng: np.random.Generator
) -> tuple[float, float]:
    """95 % interval by drawing whole sources of each class again."""
    groups = [
        [np.flatnonzero((data.source == s) & mine) for s in np.unique(data.source[mine])]
        for mine in (data.y == 0, data.y == 1)
    ]
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate([g[i] for g in groups for i in rng.integers(0, len(g), len(g))])
        found.append(value(rows))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def rate(hit: NDArray[np.bool_]) -> dict[str, Any]:
    """Share with its exact interval; pictures of one source are not independent, so take care."""
    low, high = clopper_pearson(int(hit.sum()), len(hit))
    return {
        "n": len(hit),
        "hit": int(hit.sum()),
        "share": round(float(hit.mean()), 4),
        "interval95": [round(low, 4), round(high, 4)],
    }
