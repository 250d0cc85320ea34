"""Our own model: from what the landmark network saw in a hand, how malformed it looks.

One hidden layer on frozen features, trained on drawn hands by the scripts in models/hands/. What it
reaches on real and generated pictures, and what not, is in models/hands/card.md.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ConfigError

WEIGHTS = "judge.npz"
_NAMES = ("middle", "scale", "first", "first_bias", "second", "second_bias")

Arrays = Mapping[str, NDArray[np.float32]]


def malformed(features: NDArray[Any]) -> float:
    """The mean log odds that the model gives; uncalibrated, higher is more malformed.

    Args:
        features: N×1888, from `network.seen`: the same hand N times, turned and mirrored.

    Raises:
        ConfigError: the installed weights are not those that were measured.
    """
    return float(apply(_installed(), features).mean())


def apply(weights: Arrays, features: NDArray[Any]) -> NDArray[np.float64]:
    """The log odds of each row with given weights."""
    x = (features.astype(np.float32) - weights["middle"]) / weights["scale"]
    hidden = np.maximum(np.clip(x, -6, 6) @ weights["first"] + weights["first_bias"], 0)
    return np.asarray(hidden @ weights["second"] + weights["second_bias"], np.float64)


def measured() -> dict[str, Any]:
    """What evaluate.py found: thresholds, rates, and the SHA-256 of the weights."""
    from provenance_models import read_json

    found: dict[str, Any] = read_json("hands", "metrics.json")
    return found


@cache
def _installed() -> Arrays:
    data = files("provenance_models").joinpath("hands", WEIGHTS).read_bytes()
    found, wanted = hashlib.sha256(data).hexdigest(), measured()["weights"]["sha256"]
    if found != wanted:
        raise ConfigError(
            f"the judge of hands has the SHA-256 {found}, expected {wanted}; "
            "install provenance-kit again"
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in _NAMES}
