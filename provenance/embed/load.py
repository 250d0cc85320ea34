"""Finds the backend that can run a model's files, and loads the tower once."""

from __future__ import annotations

from typing import Literal

from provenance.embed.shared import shared
from provenance.embed.tower import LoadedTower
from provenance.errors import ConfigError
from provenance.weights.interface import Weights, WeightStore

Backend = Literal["onnx", "open_clip", "transformers"]
BACKENDS = ("onnx", "open_clip", "transformers")


def load_tower(model: str, *, store: WeightStore, backend: Backend | None = None) -> LoadedTower:
    """The tower of that name, shared with all of this process.

    Args:
        model: name in the catalogue.
        store: gives the checked files; nothing is downloaded here.
        backend: None takes the one that the files were made for.

    Raises:
        WeightsMissing: the weights are not on this machine.
        ConfigError: no such model or backend, its package is missing, or the files do not fit.
    """
    if backend is not None and backend not in BACKENDS:
        raise ConfigError(f"there is no backend '{backend}'; expected {', '.join(BACKENDS)}")
    weights = store.get(model)
    chosen = backend or made_for(weights)
    paths = tuple(sorted((name, str(path)) for name, path in weights.files.items()))
    key = (weights.model, weights.revision, chosen, paths)
    return shared(key, lambda: _load(weights, chosen))


def made_for(weights: Weights) -> Backend:
    """The backend whose layout the files have."""
    if "tower.json" in weights.files:
        return "onnx"
    if "config.json" in weights.files and "open_clip_config.json" not in weights.files:
        return "transformers"
    return "open_clip"


def _load(weights: Weights, backend: str) -> LoadedTower:
    try:
        if backend == "onnx":
            from provenance.embed.onnx import load
        elif backend == "transformers":
            from provenance.embed.transformers import load
        else:
            from provenance.embed.open_clip import load
    except ImportError as error:
        raise ConfigError(
            f"{weights.model} needs packages that are not installed ({error.name}): "
            "pip install provenance-kit[clip]"
        ) from error
    return load(weights)
