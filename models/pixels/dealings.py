"""How much is luck of the dealing: the detector's measurement with the sources dealt anew.

    python -m models.pixels.dealings FEATURES.npz

Heads are trained in the shortened basis of many_heads.py, all of a dealing at once, and nothing is
held back as a graphic. Nothing is chosen by these dealings. Writes dealings.json and its table in
the card.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from models.pixels.card import replaced
from models.pixels.data import FOLDS, Data, folds, subset
from models.pixels.evaluate import ALLOWED, INNER, SEEDS, chosen
from models.pixels.learning import PENALTIES, by_source, score
from models.pixels.many_heads import Numbers, basis, linear, readings
from models.pixels.measures import balanced, called, middle

HERE = Path(__file__).parent
MORE = tuple(range(2, 12))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    data = Data.load(parser.parse_args().features)
    x, found = basis(data.x), []
    for seed in MORE:
        found.append({"seed": seed, **dealt(data, x, seed)})
        print(json.dumps(found[-1]), flush=True)
    report = {
        "pictures": {"real": int((data.y == 0).sum()), "generated": int((data.y == 1).sum())},
        "dealings": found,
    }
    (HERE / "dealings.json").write_text(json.dumps(report, indent=1) + "\n")
    replaced("dealings", table(report))


def dealt(data: Data, x: Numbers, seed: int) -> dict[str, Any]:
    """What is measured with the sources dealt like this."""
    fold = folds(data, seed)
    trained, held = [], []
    for outer in range(FOLDS):
        rows = np.flatnonzero(fold != outer)
        trained.append(rows)
        held.append((outer, -1, np.flatnonzero(fold == outer)))
        for way in INNER:
            inner = folds(subset(data, fold != outer), seed + way)
            trained += [rows[inner != each] for each in range(FOLDS)]
            held += [(outer, way, rows[inner == each]) for each in range(FOLDS)]
    weights = np.zeros((len(data.y), len(trained)), np.float32)
    for at, rows in enumerate(trained):
        weights[rows, at] = by_source(data.y[rows], data.source[rows])
    read = {p: readings(linear(x, data.y, weights, p)) for p in PENALTIES}
    scores, likelier = np.zeros(len(data.y)), np.zeros(len(data.y), bool)
    hit = np.zeros((len(ALLOWED), len(data.y)), bool)
    for outer in range(FOLDS):
        inside = subset(data, fold != outer)
        tried = {p: [np.zeros((len(data.y), 3)) for _ in INNER] for p in PENALTIES}
        for at, (fold_, way, rows) in enumerate(held):
            if fold_ == outer and way >= 0:
                for p in PENALTIES:
                    tried[p][INNER.index(way)][rows] = read[p][rows, :, at]
        reads = {p: [each[fold != outer] for each in ways] for p, ways in tried.items()}
        best, cuts = chosen(inside, reads)
        (at,) = (at for at, (f, way, _) in enumerate(held) if (f, way) == (outer, -1))
        rows = held[at][2]
        last = read[best][rows, :, at]
        both = np.concatenate([score(each) for each in reads[best]])
        scores[rows] = score(last)
        likelier[rows] = score(last) >= middle(both, np.tile(inside.y, len(INNER)))
        hit[:, rows] = [called(last, cut) for cut in cuts]
    return {
        "auc": round(float(roc_auc_score(data.y, scores)), 4),
        "balanced_accuracy": round(balanced(likelier, data.y), 4),
        "real_called_generated": [int(level[data.y == 0].sum()) for level in hit],
        "generated_called_generated": [int(level[data.y == 1].sum()) for level in hit],
    }


def table(report: dict[str, Any]) -> str:
    """What the card shows: lowest, middle and highest."""
    runs, pictures = report["dealings"], report["pictures"]
    rows = [
        f"| {len(runs)} more dealings than {' and '.join(map(str, SEEDS))} "
        "| lowest | median | highest |",
        "|---|---|---|---|",
    ]
    for name, key in (("AUC", "auc"), ("balanced accuracy", "balanced_accuracy")):
        values = [run[key] for run in runs]
        cells = (min(values), statistics.median(values), max(values))
        rows.append(f"| {name} | {' | '.join(f'{x:.3f}' for x in cells)} |")
    for level, word in enumerate(("generated", "clearly generated")):
        for kind, name in (("real", "photographs"), ("generated", "generated pictures")):
            n, values = pictures[kind], [run[f"{kind}_called_generated"][level] for run in runs]
            cells = (min(values), statistics.median(values), max(values))
            text = " | ".join(f"{x:g} ({x / n:.1%})" for x in cells)
            rows.append(f"| {name} called {word}, of {n}, without the gate | {text} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
