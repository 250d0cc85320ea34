"""Trains the judge of hands: one hidden layer on the features of `features.py`.

    python -m models.hands.train FEATURES

Writes `judge.npz` beside this script and prints how it does on drawings that it was not trained on.
numpy alone; the same features give the same weights. The last tenth of the parts is never trained
on: half of it stops the training, the other half is only reported.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.hands.judge import WEIGHTS, Arrays, apply

HIDDEN, EPOCHS = 16, 2
"""More learn the drawings better, and fingers on photographs worse: see card.md."""

BATCH = 256
RATE = 7e-4
DECAY = 3e-3
DROP = 0.3

HERE = Path(__file__).parent
Array = NDArray[Any]


def load(folder: Path) -> tuple[Array, Array, Array]:
    """Features, kinds, and the part that each row comes from."""
    x, kinds, parts = [], [], []
    for number, path in enumerate(sorted(folder.glob("drawn-*.npz"))):
        with np.load(path, allow_pickle=False) as part:
            x.append(part["x"])
            kinds.append(part["kind"])
            parts.append(np.full(len(part["x"]), number))
    return np.concatenate(x), np.concatenate(kinds), np.concatenate(parts)


def held_out(parts: Array) -> tuple[Array, Array, Array]:
    """Rows to train on, to stop by, and to report."""
    most = int(parts.max()) + 1
    stop = most - max(2, most // 10)
    report = most - max(1, most // 20)
    return parts < stop, (parts >= stop) & (parts < report), parts >= report


def fit(x: Array, bad: Array, check_x: Array, check_bad: Array, seed: int = 0) -> Arrays:
    """Adam with decay and dropout; the epoch that does best on the check rows is kept."""
    rng = np.random.default_rng(seed)
    middle = x.mean(0, dtype=np.float64).astype(np.float32)
    scale = x.std(0, dtype=np.float64).astype(np.float32) + 1e-3
    width = x.shape[1]
    values = [
        rng.normal(0, width**-0.5, (width, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        rng.normal(0, HIDDEN**-0.5, HIDDEN).astype(np.float32),
        np.zeros((), np.float32),
    ]
    first = [np.zeros_like(v) for v in values]
    second = [np.zeros_like(v) for v in values]
    steps = EPOCHS * (len(x) // BATCH)
    best, kept, step = 0.0, _packed(middle, scale, values), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            batch = np.clip((x[rows].astype(np.float32) - middle) / scale, -6, 6)
            batch *= (rng.random(batch.shape, np.float32) > DROP) / np.float32(1 - DROP)
            slopes = _slopes(values, batch, bad[rows])
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for i, slope in enumerate(slopes):
                first[i] = 0.9 * first[i] + 0.1 * slope
                second[i] = 0.999 * second[i] + 0.001 * slope * slope
                move = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
                decay = DECAY * values[i] if values[i].ndim == 2 else 0
                values[i] = (values[i] - rate * (move + decay)).astype(np.float32)
        now = _packed(middle, scale, values)
        found = auc(apply(now, check_x), check_bad)
        if found > best:
            best, kept = found, now
    return kept


def _slopes(values: list[Array], batch: Array, bad: Array) -> list[Array]:
    first, first_bias, second, second_bias = values
    hidden = np.maximum(batch @ first + first_bias, 0)
    odds = hidden @ second + second_bias
    off = ((1 / (1 + np.exp(-odds))) - bad).astype(np.float32) / len(bad)
    back = off[:, None] * second * (hidden > 0)
    return [batch.T @ back, back.sum(0), hidden.T @ off, off.sum()]


def _packed(middle: Array, scale: Array, values: list[Array]) -> Arrays:
    names = ("first", "first_bias", "second", "second_bias")
    named = dict(zip(names, (v.copy() for v in values), strict=True))
    return {"middle": middle, "scale": scale, **named}


def by_kind(scores: Array, kinds: Array) -> dict[str, float]:
    """AUC of each fault against good hands."""
    found = {}
    for kind in sorted(set(kinds) - {"good"}):
        rows = np.isin(kinds, ["good", kind])
        found[str(kind)] = round(auc(scores[rows], kinds[rows] != "good"), 3)
    return found


def auc(scores: Array, bad: Array) -> float:
    """Probability that a malformed hand scores higher than a good one."""
    good, worse = np.sort(scores[~bad]), scores[bad]
    if not len(good) or not len(worse):
        return float("nan")
    below = np.searchsorted(good, worse, "left") + np.searchsorted(good, worse, "right")
    return float(below.mean() / (2 * len(good)))


def main() -> None:
    """Train, report, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    args = parser.parse_args()
    x, kinds, parts = load(args.features)
    bad = kinds != "good"
    train, stop, report = held_out(parts)
    weights = fit(x[train], bad[train], x[stop], bad[stop])
    print(f"{train.sum()} drawings to train on, {report.sum()} to report")
    print(by_kind(apply(weights, x[report]), kinds[report]))
    small = {name: value.astype(np.float16) for name, value in weights.items()}
    small |= {name: weights[name] for name in ("middle", "scale")}
    np.savez(HERE / WEIGHTS, **small)


if __name__ == "__main__":
    main()
