"""What else was tried in place of the detector's head, by the protocol that measures it.

    python -m models.pixels.variants FEATURES.npz [--beside NAME FILE.npz]... [--crops FILE.npz]
        [--fractions FILE.npz] [--covariance FOLDER] [--only WORD]

Needs scikit-learn. Files are like those of features.py, of the same pictures in the same order:
`--beside` holds features to put beside the detector's, `--crops` those of two more crops,
`--fractions` those of the first two views by the network of rounding.py, `--covariance` what
covariance.py wrote. Options of a variant (penalty and so on) are chosen within the training sources
of each fold, and so are its cuts: in one dealing of them where evaluate.py takes two, and with the
level that `SHARE` says. Adds to variants.json, and writes its table in the card. `--only` takes
variants with that word alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.pixels import ideas
from models.pixels.card import replaced
from models.pixels.data import FOLDS, Data, folds, subset
from models.pixels.evaluate import SEEDS
from models.pixels.learning import PENALTIES, score
from models.pixels.many_heads import (
    Numbers,
    Options,
    basis,
    discriminant,
    hidden,
    linear,
    loaded,
    readings,
)
from models.pixels.measures import balanced, called, middle

HERE = Path(__file__).parent
SHARE = 0.01
"""Of the training photographs may reach the level, as the detector's own first one when most of
these were tried; that is stricter now."""

DRAWS = 12
"""Draws of the sources that a bag of heads is trained on."""


@dataclass(frozen=True)
class Problem:
    """What a head is trained on; the fold `inner` is held out too, unless it is -1."""

    seed: int
    outer: int
    inner: int
    rows: NDArray[np.bool_]


def problems(data: Data) -> Iterator[Problem]:
    """Every fold, and every fold within it, as `evaluate.nested` deals them."""
    for seed in SEEDS:
        fold = folds(data, seed)
        for outer in range(FOLDS):
            train = fold != outer
            inner = np.full(len(fold), -1)
            inner[train] = folds(subset(data, train), seed + 100)
            for each in range(-1, FOLDS):
                yield Problem(seed, outer, each, train & ((inner != each) | (each < 0)))


def weighed(
    data: Data, dealt: list[Problem], power: float, rng: np.random.Generator | None = None
) -> Numbers:
    """A weight for each picture and problem: by its source's size to a power, both classes alike.

    With `rng`, sources are drawn again, as often as there are.
    """
    weights = np.zeros((len(data.y), len(dealt)), np.float32)
    for at, problem in enumerate(dealt):
        for label in (0, 1):
            mine = problem.rows & (data.y == label)
            _, place, counts = np.unique(data.source[mine], return_inverse=True, return_counts=True)
            each = counts.astype(float) ** -power
            if rng is not None:
                each *= rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)))
            part = each[place]
            weights[mine, at] = part / part.sum() * problem.rows.sum() / 2
    return weights


def judged(data: Data, dealt: list[Problem], options: Options) -> dict[str, Any]:
    """What is reported of a variant."""
    at = {(p.seed, p.outer, p.inner): i for i, p in enumerate(dealt)}
    report: dict[str, Any] = {"auc": [], "balanced_accuracy": [], "wrong": [], "found": []}
    chosen: dict[str, int] = {}
    for seed in SEEDS:
        scores = np.zeros(len(data.y))
        likelier, hit = np.zeros((2, len(data.y)), bool)
        for outer in range(FOLDS):
            train = dealt[at[seed, outer, -1]].rows
            y = data.y[train]
            tried = {}
            for name, read in options.items():
                held = np.zeros((len(train), 3))
                for inner in range(FOLDS):
                    rows = train & ~dealt[at[seed, outer, inner]].rows
                    held[rows] = read[rows, :, at[seed, outer, inner]]
                tried[name] = held[train]
            best = max(tried, key=lambda name: roc_auc_score(y, score(tried[name])))
            chosen[best] = chosen.get(best, 0) + 1
            inside = score(tried[best])
            read = options[best][~train, :, at[seed, outer, -1]]
            scores[~train], likelier[~train] = score(read), score(read) >= middle(inside, y)
            hit[~train] = called(read, _level(tried[best][y == 0]))
        report["auc"].append(round(float(roc_auc_score(data.y, scores)), 4))
        report["balanced_accuracy"].append(round(balanced(likelier, data.y), 4))
        report["wrong"].append(int(hit[data.y == 0].sum()))
        report["found"].append(int(hit[data.y == 1].sum()))
    return {**report, "pictures": [int((data.y == c).sum()) for c in (0, 1)], "chosen": chosen}


def _level(photographs: NDArray[np.float64]) -> float:
    lowest = np.sort(photographs.min(axis=1))[::-1]
    return float(np.nextafter(lowest[int(SHARE * len(lowest))], np.inf))


def variants(
    data: Data,
    dealt: list[Problem],
    beside: dict[str, Numbers],
    more: Numbers | None,
    covariance: Path | None,
) -> Iterator[tuple[str, Callable[[], Options]]]:
    """Name, and what gives the readings."""
    x, y, usual = basis(data.x), data.y, weighed(data, dealt, 0.5)

    @cache
    def turned(name: str) -> Numbers:
        return basis(beside[name])

    def joined(names: tuple[str, ...]) -> Options:
        return plain(np.concatenate([x, *map(turned, names)], axis=-1))

    def plain(features: Numbers, weights: Numbers = usual) -> Options:
        return {f"{c:g}": readings(linear(features, y, weights, c)) for c in PENALTIES}

    def wider(more: Numbers) -> Options:
        wide, last = basis(np.concatenate([data.x, more], axis=1)), data.x.shape[1]
        crops = (1, 2, 3, last, last + 1)
        return {f"{c:g}": readings(linear(wide, y, usual, c), crops) for c in PENALTIES}

    def shares() -> Options:
        logits = {c: linear(x, y, usual, c) for c in PENALTIES}
        wanted = (0.0, 0.25, 0.5, 0.75, 1.0)
        return {f"{c:g}, {s}": readings(z, share=s) for c, z in logits.items() for s in wanted}

    def bagged() -> Options:
        rng = np.random.default_rng(0)
        drawn = [weighed(data, dealt, 0.5, rng) for _ in range(DRAWS)]
        return {
            f"{c:g}": readings(sum(linear(x, y, each, c) for each in drawn) / DRAWS)
            for c in PENALTIES
        }

    def evened() -> Options:
        spread, found = (x.reshape(-1, x.shape[-1]) ** 2).mean(axis=0), {}
        for power in (0.25, 0.5):
            even = x / spread**power
            even *= np.sqrt((x**2).mean() / (even**2).mean())
            for c in (3e-5, 1e-4, 3e-4):
                found[f"{power}, {c:g}"] = readings(linear(even, y, usual, c))
        return found

    def fewer() -> Options:
        return {
            f"{k}, {c:g}": readings(linear(x[..., :k], y, usual, c))
            for k in (64, 128, 256)
            for c in (3e-4, 1e-3, 1e-2)
        }

    yield "the head that is shipped, in this basis", lambda: plain(x)
    for names in (("4",), ("9",), ("4", "9"), ("DINOv2",), ("9", "DINOv2")):
        if all(name in beside for name in names):
            title = " and ".join(n if n == "DINOv2" else f"block {n}" for n in names)
            yield f"{title} beside block 7", partial(joined, names)
    if "9" in beside:
        yield "block 9 alone", lambda: plain(turned("9"))
    if more is not None:
        yield "five crops instead of three, in training as well", lambda: wider(more)
    yield "share of the shrunk view in the score, chosen", shares
    yield "every picture counts alike", lambda: plain(x, weighed(data, dealt, 0.0))
    yield "every source counts alike", lambda: plain(x, weighed(data, dealt, 1.0))
    yield "64, 128 or 256 principal components, chosen", fewer
    yield "components of evened spread (half or whole whitening)", evened
    yield (
        "Fisher's discriminant",
        lambda: {
            f"{r}": readings(discriminant(x[..., :384], y, usual, r)) for r in (0.3, 1.0, 3.0)
        },
    )
    yield f"mean of {DRAWS} heads, each on sources drawn again", bagged
    yield (
        "a hidden layer of 16, 400 or 1,200 steps",
        lambda: {f"{s}": readings(hidden(x, y, usual, s)) for s in (400, 1200)},
    )
    if "4" in beside:
        yield ideas.APART, lambda: ideas.apart(data, beside["4"], usual)
    if covariance is not None:
        yield ideas.TOGETHER, lambda: ideas.together(x, y, covariance, usual)
    yield ideas.KERNEL, lambda: ideas.kernel(x, y, usual)


def two_views(data: Data, dealt: list[Problem], x: Numbers) -> Options:
    """Trained on the shrunk view and the crop in the middle, and judged by them."""
    turned, weights = basis(x), weighed(data, dealt, 0.5)
    return {f"{c:g}": readings(linear(turned, data.y, weights, c)) for c in PENALTIES}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    parser.add_argument("--beside", nargs=2, action="append", default=[])
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--fractions", type=Path)
    parser.add_argument("--covariance", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    data = Data.load(given.features)
    dealt = list(problems(data))
    seen = data.x.shape[1]
    beside = {name: loaded(Path(path))[:, :seen] for name, path in given.beside}
    more = loaded(given.crops) if given.crops else None
    path = HERE / "variants.json"
    report = json.loads(path.read_text("utf-8")) if path.exists() else {}
    tried = list(variants(data, dealt, beside, more, given.covariance))
    if given.fractions:
        for name, x in (
            ("whole numbers", data.x[:, :2]),
            ("fractions", loaded(given.fractions)),
        ):
            tried.append((f"two views alone, {name}", partial(two_views, data, dealt, x)))
    for name, options in tried:
        if given.only in name:
            report[name] = judged(data, dealt, options())
            print(name, json.dumps(report[name]), flush=True)
            path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    replaced("variants", table(report))


def table(report: dict[str, Any]) -> str:
    """What the card shows; both dealings in each cell."""
    real, made = next(iter(report.values()))["pictures"]
    rows = [
        f"| instead of the detector's head | AUC | balanced accuracy | photographs called "
        f"generated, of {real} | generated called generated, of {made}, without the gate |",
        "|---|---|---|---|---|",
    ]
    for name, found in report.items():
        cells = [
            ", ".join(f"{value:.3f}" for value in found[key])
            for key in ("auc", "balanced_accuracy")
        ]
        cells += [", ".join(map(str, found[key])) for key in ("wrong", "found")]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    main()
