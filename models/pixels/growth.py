"""What more sources to train on would bring: AUC by the share of the training sources that is used.

    python -m models.pixels.growth FEATURES.npz

Heads are trained in the shortened basis of many_heads.py, with one penalty, all at once; sources of
both classes are left out at random. Writes growth.json and its table in the card.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.pixels.card import replaced
from models.pixels.data import FOLDS, Data, folds
from models.pixels.learning import by_source, score
from models.pixels.many_heads import basis, linear, readings

HERE = Path(__file__).parent
SHARES = (0.25, 0.5, 0.75, 1.0)
SEEDS = (0, 1, 2, 3)
DRAWS = 2
"""Times that sources are drawn, for each dealing and share."""

PENALTY = 1e-3


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    data = Data.load(parser.parse_args().features)
    rng = np.random.default_rng(0)
    tested: list[tuple[float, int, int, NDArray[np.bool_]]] = []
    weights = []
    for seed in SEEDS:
        fold = folds(data, seed)
        for share in SHARES:
            for draw in range(DRAWS if share < 1 else 1):
                for outer in range(FOLDS):
                    rows = np.flatnonzero(kept(data, fold != outer, share, rng))
                    weight = np.zeros(len(data.y), np.float32)
                    weight[rows] = by_source(data.y[rows], data.source[rows])
                    weights.append(weight)
                    tested.append((share, seed, draw, fold == outer))
    logits = linear(basis(data.x), data.y, np.stack(weights, axis=1), PENALTY)
    read = readings(logits)
    scores: dict[tuple[float, int, int], NDArray[np.float64]] = {}
    for at, (share, seed, draw, test) in enumerate(tested):
        mine = scores.setdefault((share, seed, draw), np.zeros(len(data.y)))
        mine[test] = score(read[test][:, :, at])
    report = {
        f"{share:g}": [
            round(float(roc_auc_score(data.y, s)), 4)
            for (of, *_), s in scores.items()
            if of == share
        ]
        for share in SHARES
    }
    (HERE / "growth.json").write_text(json.dumps(report, indent=1) + "\n")
    replaced("growth", table(report))
    print(report)


def kept(
    data: Data, train: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Training pictures of some of the sources of each class."""
    rows = np.zeros(len(data.y), bool)
    for label in (0, 1):
        mine = train & (data.y == label)
        names = np.unique(data.source[mine])
        few = rng.permutation(names)[: max(1, round(share * len(names)))]
        rows |= mine & np.isin(data.source, few)
    return rows


def table(report: dict[str, list[float]]) -> str:
    """What the card shows."""
    rows = ["| share of the training sources | AUC, mean | lowest | highest | trials |"]
    rows.append("|---|---|---|---|---|")
    for share, found in report.items():
        cells = " | ".join(f"{x:.3f}" for x in (np.mean(found), min(found), max(found)))
        rows.append(f"| {float(share):.0%} | {cells} | {len(found)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
