"""Trains what recognises graphics, and measures it beside the share of flat blocks alone.

A logistic head on the detector's own features (the mean of the shrunk view and the crops) and the
flatness. Whole sources are held out, of graphics and of photographs; thresholds are set on the
training sources of each fold, on scores that were held out there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.pixels.data import FOLDS, Data, folds, subset
from models.pixels.learning import by_source
from models.pixels.measures import rate
from provenance.detect.graphics import described

ALLOWED = 0.01
"""Share of photographs that may be taken for graphics."""

PENALTY = 1e-3


@dataclass(frozen=True)
class Gate:
    """Standardises what is known of a picture and weighs it."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: float

    def logits(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """One number for each row."""
        result: NDArray[np.float64] = ((x - self.mean) / self.spread) @ self.weight + self.bias
        return result


def fit(x: NDArray[np.float64], data: Data) -> Gate:
    """A gate; each source and each class counts alike, by the square root of its size."""
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=PENALTY, max_iter=500)
    model.fit(scaler.transform(x), data.y, sample_weight=by_source(data.y, data.source))
    return Gate(scaler.mean_, scaler.scale_, model.coef_[0], float(model.intercept_[0]))


def threshold_for(scores: NDArray[np.float64]) -> float:
    """The lowest threshold that at most `ALLOWED` of these photographs reach."""
    ordered = np.sort(scores)[::-1]
    return float(np.nextafter(ordered[int(ALLOWED * len(ordered))], np.inf))


def inputs(data: Data) -> NDArray[np.float64]:
    """What the gate is given, one row for each picture."""
    rows = [described(x, flat) for x, flat in zip(data.x, data.about[:, 0], strict=True)]
    return np.array(rows, np.float64)


def measured(
    photographs: Data, graphics: Data, generated: Data, seeds: tuple[int, ...]
) -> tuple[Gate, dict[str, Any], dict[str, NDArray[np.bool_]]]:
    """The gate for all sources, what was measured of it, and which pictures it held back.

    Args:
        photographs: real pictures.
        graphics: drawings, diagrams, screenshots.
        generated: not trained on; how many of them are held back is reported.
        seeds: ways to deal the sources to folds; the first decides what is reported of pictures.
    """
    both = _joined(photographs, graphics)
    x, made = inputs(both), inputs(generated)
    real = both.y == 0
    runs: list[dict[str, NDArray[np.bool_]]] = []
    kept = np.zeros((len(seeds), len(both.y)))
    for at, seed in enumerate(seeds):
        fold = folds(both, seed)
        hit = {name: np.zeros(len(both.y), bool) for name in ("gate", "flat")}
        held = np.zeros(len(generated.y))
        for each in range(FOLDS):
            train, test = fold != each, fold == each
            part = subset(both, train)
            inner = folds(part, seed + 100)
            score = np.zeros(len(part.y))
            for one in range(FOLDS):
                gate = fit(x[train][inner != one], subset(part, inner != one))
                score[inner == one] = gate.logits(x[train][inner == one])
            gate = fit(x[train], part)
            cut = threshold_for(score[part.y == 0])
            hit["gate"][test] = gate.logits(x[test]) >= cut
            hit["flat"][test] = x[test, -1] >= threshold_for(x[train, -1][part.y == 0])
            held += gate.logits(made) >= cut
            kept[at, test] = gate.logits(x[test])
        runs.append({**hit, "generated": held > FOLDS / 2})
    first = runs[0]
    report: dict[str, Any] = {
        "sources": {
            "graphics": len(np.unique(graphics.source)),
            "photographs": len(np.unique(photographs.source)),
        },
        "threshold": round(threshold_for(kept.mean(axis=0)[real]), 4),
        "graphic": rate(first["gate"][~real]),
        "real": rate(first["gate"][real]),
        "generated": rate(first["generated"]),
        "by_flatness_alone": {
            "graphic": rate(first["flat"][~real]),
            "real": rate(first["flat"][real]),
        },
        "by_source": {
            source: rate(first["gate"][(both.source == source) & ~real])
            for source in np.unique(graphics.source)
        },
        "other_dealing": {
            "graphic": rate(runs[-1]["gate"][~real]),
            "real": rate(runs[-1]["gate"][real]),
        },
    }
    held = {
        "real": first["gate"][real],
        "graphic": first["gate"][~real],
        "generated": first["generated"],
    }
    return fit(x, both), report, held


def _joined(photographs: Data, graphics: Data) -> Data:
    """Graphics are the class that is looked for."""
    views = min(photographs.x.shape[1], graphics.x.shape[1])
    return Data(
        np.concatenate([photographs.x[:, :views], graphics.x[:, :views]]),
        np.repeat([0, 1], [len(photographs.y), len(graphics.y)]),
        np.concatenate([photographs.source, graphics.source]),
        np.concatenate([photographs.name, graphics.name]),
        np.concatenate([photographs.side, graphics.side]),
        np.concatenate([photographs.trivial, graphics.trivial]),
        np.concatenate([photographs.equalised, graphics.equalised]),
        np.concatenate([photographs.about, graphics.about]),
    )
