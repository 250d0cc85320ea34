"""Trains hundreds of heads at once, one for each fold within a fold, for variants.py.

All have the same pictures and differ in what each picture weighs, so one matrix product serves all.
That takes a common basis: features standardised and turned to their `COMPONENTS` first principal
components over all pictures, which no label enters. evaluate.py, which measures what is shipped,
standardises by fold and keeps everything.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pixels.learning import SEEN

COMPONENTS = 768
STEPS = 60
"""Of accelerated descent; with the curvature divided out, the AUC is settled in its third place."""

WAVES = 1024
"""Random ones that stand for a kernel."""

HIDDEN, INPUTS, LEARNING, DECAY, DROPPED, BATCH = 16, 256, 3e-3, 0.3, 0.3, 1024
"""Of the head with a hidden layer: sizes, steps of Adam, pull to zero, share of inputs left out,
views a step."""

Numbers = NDArray[np.float32]
Options = dict[str, NDArray[np.float64]]
"""Readings (pictures × 3 × problems) by what is chosen among."""


def loaded(path: Path) -> Numbers:
    """The features of a table of features.py."""
    with np.load(path, allow_pickle=False) as file:
        features: Numbers = file["features"].astype(np.float32)
    return features


def readings(
    logits: Numbers, crops: tuple[int, ...] = (1, 2, 3), share: float = 0.5
) -> NDArray[np.float64]:
    """As the detector reads its views; `share` is that of the shrunk view in the score."""
    few = logits.shape[1] < SEEN  # the shrunk view and the crop in the middle
    one, many = logits[:, 0], logits[:, (1,) if few else crops].mean(axis=1)
    last = logits[:, 1 if few else 4]
    return np.stack([2 * share * one, 2 * (1 - share) * many, last], axis=1).astype(np.float64)


def basis(x: Numbers, components: int = COMPONENTS) -> Numbers:
    """From n × views × width to n × views × components."""
    flat = x.reshape(-1, x.shape[-1]).astype(np.float32)
    flat = (flat - flat.mean(axis=0)) / (flat.std(axis=0) + 1e-6)
    _, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    turned: Numbers = (flat @ vectors[:, ::-1][:, :components]).reshape(*x.shape[:2], -1)
    return turned


def linear(x: Numbers, y: NDArray[np.int64], weights: Numbers, penalty: float) -> Numbers:
    """Logistic heads on n × views × width, a column of `weights` (n × m) each: n × views × m."""
    n, views, width = x.shape
    flat = x.reshape(-1, width)
    weight = np.repeat(weights, views, axis=0).astype(np.float32)
    label = np.repeat(y, views)[:, None].astype(np.float32)
    total = 0.25 * weights.sum(axis=0).mean() * views
    scale = 1 / np.sqrt(np.append(total * (flat**2).mean(axis=0) + 1 / penalty, total))
    z = np.append(flat, np.ones((len(flat), 1), np.float32), axis=1) * scale.astype(np.float32)
    pull = (np.append(scale[:-1] ** 2, 0) / penalty).astype(np.float32)[:, None]
    steep = np.random.default_rng(0).normal(size=(width + 1, weights.shape[1])).astype(np.float32)
    for _ in range(12):
        steep /= np.linalg.norm(steep, axis=0)
        steep = z.T @ (0.25 * weight * (z @ steep)) + pull * steep
    step = 1 / (1.1 * np.linalg.norm(steep, axis=0))
    best = ahead = np.zeros_like(steep)
    speed = 1.0
    for _ in range(STEPS):
        wrong = weight * (1 / (1 + np.exp(-np.clip(z @ ahead, -30, 30))) - label)
        found = ahead - (z.T @ wrong + pull * ahead) * step
        if ((ahead - found) * (found - best)).sum() > 0:  # it overshot
            speed, ahead = 1.0, found
        else:
            faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
            ahead, speed = found + (speed - 1) / faster * (found - best), faster
        best = found
    result: Numbers = (z @ best).reshape(n, views, -1)
    return result


def waves(x: Numbers, width: float) -> Numbers:
    """Cosines whose products come near a Gaussian kernel, with the spread of `x` in all.

    Args:
        x: n × views × width.
        width: of the kernel, in median distances between views.

    Source: Rahimi and Recht, "Random features for large-scale kernel machines", 2007.
    """
    rng = np.random.default_rng(0)
    flat = x.reshape(-1, x.shape[-1])
    one, two = flat[rng.integers(0, len(flat), (2, 2000))]
    typical = np.median(np.linalg.norm(one - two, axis=1))
    along = rng.normal(size=(flat.shape[1], WAVES)) / (width * typical)
    bent = np.cos(flat @ along.astype(np.float32) + rng.uniform(0, 2 * np.pi, WAVES))
    bent -= bent.mean(axis=0)
    bent *= np.sqrt((flat**2).sum() / (bent**2).sum())
    return bent.reshape(*x.shape[:2], -1).astype(np.float32)


def discriminant(x: Numbers, y: NDArray[np.int64], weights: Numbers, ridge: float) -> Numbers:
    """Fisher's linear discriminant, its scatter pulled towards a sphere."""
    width = x.shape[-1]
    columns = []
    for weight in weights.T:
        scatter, means = np.zeros((width, width)), []
        for label in (0, 1):
            mine = (y == label) & (weight > 0)
            part = weight[mine] / weight[mine].sum()
            means.append(np.einsum("n,nvk->k", part, x[mine]) / x.shape[1])
            away = (x[mine] - means[-1]) * np.sqrt(part / x.shape[1])[:, None, None]
            away = away.reshape(-1, width).astype(np.float32)
            scatter += away.T @ away / 2
        scatter += ridge * np.trace(scatter) / width * np.eye(width)
        towards = np.linalg.solve(scatter, means[1] - means[0])
        columns.append(x @ towards - towards @ (means[0] + means[1]) / 2)
    return np.stack(columns, axis=-1).astype(np.float32)


def hidden(x: Numbers, y: NDArray[np.int64], weights: Numbers, steps: int) -> Numbers:
    """Heads with one hidden layer on components of evened spread, by Adam: n × views × m."""
    rng = np.random.default_rng(0)
    n, views, m = *x.shape[:2], weights.shape[1]
    flat = x[..., :INPUTS].reshape(n * views, -1)
    flat = flat / np.sqrt(np.sqrt((flat**2).mean(axis=0)))
    flat = (flat / np.sqrt((flat**2).mean())).astype(np.float32)
    weight, label = np.repeat(weights, views, axis=0).T, np.repeat(y, views)
    parts = [
        (rng.normal(size=(flat.shape[1], m * HIDDEN)) / flat.shape[1] ** 0.5).astype(np.float32),
        np.zeros(m * HIDDEN, np.float32),
        (rng.normal(size=(m, HIDDEN)) / HIDDEN**0.5).astype(np.float32),
        np.zeros(m, np.float32),
    ]
    first, second = ([np.zeros_like(p) for p in parts] for _ in range(2))

    def run(rows: Numbers) -> tuple[Numbers, Numbers]:
        inside = np.maximum(rows @ parts[0] + parts[1], 0).reshape(len(rows), m, HIDDEN)
        return inside, np.einsum("nmh,mh->nm", inside, parts[2]) + parts[3]

    for step in range(1, steps + 1):
        pick = rng.integers(0, len(flat), BATCH)
        rows = flat[pick] * (rng.random((BATCH, flat.shape[1])) > DROPPED) / (1 - DROPPED)
        rows = rows.astype(np.float32)
        inside, logit = run(rows)
        share = weight[:, pick].T / weight[:, pick].sum(axis=1)
        wrong = (1 / (1 + np.exp(-logit)) - label[pick][:, None]) * share
        back = (wrong[..., None] * parts[2] * (inside > 0)).reshape(BATCH, -1)
        slopes = [
            rows.T @ back,
            back.sum(axis=0),
            np.einsum("nmh,nm->mh", inside, wrong),
            wrong.sum(axis=0),
        ]
        for at, slope in enumerate(slopes):
            first[at] += 0.1 * (slope - first[at])
            second[at] += 0.001 * (slope**2 - second[at])
            even = np.sqrt(second[at] / (1 - 0.999**step)) + 1e-8
            parts[at] -= LEARNING * (first[at] / (1 - 0.9**step) / even + DECAY * parts[at])
    return (
        np.concatenate([run(flat[at : at + BATCH])[1] for at in range(0, len(flat), BATCH)])
        .reshape(n, views, m)
        .astype(np.float32)
    )
