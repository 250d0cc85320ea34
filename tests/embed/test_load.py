"""The backend is the one whose layout the files have; a missing extra is one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provenance.embed.load import load_tower, made_for
from provenance.errors import ConfigError
from provenance.weights.interface import Weights, WeightsMissing


def holding(*names: str) -> Weights:
    return Weights("some", "1", {name: Path(name) for name in names}, "MIT")


class Store:
    def __init__(self, *names: str) -> None:
        self.weights = holding(*names)

    def get(self, model: str) -> Weights:
        if model != "some":
            raise WeightsMissing(model, "not here; pull it")
        return self.weights


@pytest.mark.parametrize(
    ("names", "backend"),
    [
        (("tower.json", "image.onnx"), "onnx"),
        (("config.json", "model.safetensors"), "transformers"),
        (("config.json", "open_clip_config.json", "open_clip_model.safetensors"), "open_clip"),
        (("open_clip_model.safetensors",), "open_clip"),
    ],
)
def test_the_files_tell(names, backend):
    assert made_for(holding(*names)) == backend


@pytest.mark.parametrize("backend", ["open_clip", "transformers"])
def test_a_missing_extra_is_named(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, f"provenance.embed.{backend}", None)
    with pytest.raises(ConfigError, match=r"pip install provenance-kit\[clip\]"):
        load_tower("some", store=Store("model.safetensors"), backend=backend)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="expected onnx, open_clip, transformers"):
        load_tower("some", store=Store(), backend="tensorflow")
    with pytest.raises(WeightsMissing):
        load_tower("other", store=Store())


def test_a_folder_without_its_files_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no tower\.json"):
        load_tower("some", store=Store("image.onnx"), backend="onnx")
