"""Tables of features, and how their sources are dealt to folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


@dataclass(frozen=True)
class Data:
    """Features of n pictures: n × views × width; y is 1 for generated.

    `trivial` and `equalised` have the columns of `facts.TRIVIAL`, `about` those of `facts.about`.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    source: NDArray[np.str_]
    name: NDArray[np.str_]
    side: NDArray[np.int64]
    trivial: NDArray[np.float64]
    equalised: NDArray[np.float64]
    about: NDArray[np.float64]

    @classmethod
    def load(cls, *paths: Path) -> Data:
        """What features.py wrote, in one or more files."""
        parts: dict[str, list[NDArray[Any]]] = {}
        for path in paths:
            with np.load(path, allow_pickle=False) as file:
                for name in file.files:
                    parts.setdefault(name, []).append(file[name])
        z = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        return cls(
            z["features"].astype(np.float32),
            (z["label"] == "ai").astype(np.int64),
            z["source"],
            z["name"],
            z["side"],
            z["trivial"],
            z["equalised"],
            z["about"],
        )


def folds(data: Data, seed: int) -> NDArray[np.int64]:
    """A fold for each picture, whole sources together, the largest first to the emptiest fold."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(data.y), np.int64)
    for label in (0, 1):
        mine = data.y == label
        names, counts = np.unique(data.source[mine], return_counts=True)
        load = np.zeros(FOLDS)
        for place in np.argsort(-(counts + rng.random(len(counts)))):
            target = int(np.argmin(load + 5 * rng.random(FOLDS)))
            fold[mine & (data.source == names[place])] = target
            load[target] += counts[place]
    return fold


def subset(data: Data, rows: NDArray[np.bool_]) -> Data:
    """Some of the pictures."""
    return Data(*(getattr(data, f.name)[rows] for f in fields(data)))


def outer(data: Data, seed: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Training and testing pictures of each fold."""
    fold = folds(data, seed)
    for each in range(FOLDS):
        yield fold != each, fold == each
