"""What training and evaluation share: a weighted logistic head, and its scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.pixels.data import FOLDS, Data, folds
from provenance.detect.views import CROPS, HARDER, SHRUNK

PENALTIES = (3e-4, 1e-3)
"""Inverse strengths of L2 that are tried, within the training sources only."""

SEEN = 5
"""Views that the detector sees; those after them are for training."""


@dataclass(frozen=True)
class Head:
    """Standardises features and weighs them."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: float

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """One number for each row."""
        result: NDArray[np.float64] = ((x - self.mean) / self.spread) @ self.weight + self.bias
        return result


def fit(data: Data, rows: NDArray[np.bool_], penalty: float) -> Head:
    """A head trained on all views of some pictures; each source and each class counts alike.

    A source counts by the square root of its size: neither does the largest rule, nor a source of
    three pictures count as much as one of three hundred.
    """
    x, y, source = data.x[rows], data.y[rows], data.source[rows]
    views = x.shape[1]
    weight = by_source(y, source)
    flat = x.reshape(-1, x.shape[-1])
    scaler = StandardScaler().fit(flat)
    model = LogisticRegression(C=penalty, max_iter=300)
    model.fit(scaler.transform(flat), np.repeat(y, views), sample_weight=np.repeat(weight, views))
    return Head(scaler.mean_, scaler.scale_, model.coef_[0], float(model.intercept_[0]))


def by_source(y: NDArray[np.int64], source: NDArray[np.str_]) -> NDArray[np.float64]:
    """A weight for each picture: by the square root of its source, and both classes alike."""
    weight = np.zeros(len(y))
    for label in (0, 1):
        mine = y == label
        names, counts = np.unique(source[mine], return_counts=True)
        size = dict(zip(names, counts, strict=True))
        weight[mine] = [size[s] ** -0.5 for s in source[mine]]
        weight[mine] /= weight[mine].sum()
    return weight * len(y) / 2


def readings(head: Head, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits of the shrunk view, of the crops together, and of the harder compressed one: n × 3."""
    n = len(x)
    logits = head.logits(x[:, :SEEN].reshape(-1, x.shape[-1])).reshape(n, SEEN)
    return np.stack([logits[:, SHRUNK], logits[:, CROPS].mean(axis=1), logits[:, HARDER]], axis=1)


def score(read: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the shrunk view and the crops."""
    result: NDArray[np.float64] = read[:, :2].mean(axis=1)
    return result


def held_out(data: Data, seed: int, penalty: float) -> NDArray[np.float64]:
    """Readings of every picture by a head that saw nothing of its source."""
    fold = folds(data, seed)
    found = np.zeros((len(data.y), 3))
    for each in range(FOLDS):
        head = fit(data, fold != each, penalty)
        found[fold == each] = readings(head, data.x[fold == each])
    return found
