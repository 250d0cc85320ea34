"""Three ideas that the card names before they were tried, for variants.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pixels.data import Data
from models.pixels.learning import PENALTIES
from models.pixels.many_heads import Numbers, Options, basis, linear, loaded, readings, waves

APART = "(a) class token, mean and spread of the patches apart, logits averaged"
TOGETHER = "(b) how the patches vary together, beside or apart"
KERNEL = "(c) Gaussian kernel by random waves, beside or alone"


def apart(data: Data, four: Numbers, weights: Numbers) -> Options:
    """A head for each part of the features, of block 7 or of blocks 4 and 7."""
    found: Options = {}
    seven = [basis(part) for part in np.split(data.x, 3, axis=-1)]
    both = seven + [basis(part) for part in np.split(four, 3, axis=-1)]
    for c in PENALTIES:
        logits = [linear(part, data.y, weights, c) for part in both]
        for name, some in (("7", logits[:3]), ("4 and 7", logits)):
            found[f"{name}, {c:g}"] = readings(sum(some) / len(some))
    return found


def together(x: Numbers, y: NDArray[np.int64], folder: Path, weights: Numbers) -> Options:
    """What covariance.py wrote, beside the features or with a head of its own."""
    found: Options = {}
    alone = {c: linear(x, y, weights, c) for c in PENALTIES}
    for size in (32, 64):
        four, seven = (basis(loaded(folder / f"b{block}-{size}.npz")) for block in (4, 7))
        for blocks, own in (("7", seven), ("4 and 7", np.concatenate([four, seven], axis=-1))):
            wide = np.concatenate([x, own], axis=-1)
            for c in PENALTIES:
                name = f"{blocks}, {size}, {c:g}"
                found[name] = readings(linear(wide, y, weights, c))
                half = (alone[c] + linear(own, y, weights, c)) / 2
                found[f"{name}, apart"] = readings(half)
    return found


def kernel(x: Numbers, y: NDArray[np.int64], weights: Numbers) -> Options:
    """Three widths, beside the linear features or alone."""
    found: Options = {}
    for width in (0.5, 1.0, 2.0):
        bent = waves(x, width)
        wide = np.concatenate([x, bent], axis=-1)
        for c in PENALTIES:
            found[f"{width}, {c:g}"] = readings(linear(bent, y, weights, c))
            found[f"{width}, {c:g}, beside"] = readings(linear(wide, y, weights, c))
    return found
