"""An exported tower agrees with the original, needs no torch, and is what was written."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("transformers")
pytest.importorskip("onnxscript")

from provenance.embed import agreement, export, graphs
from provenance.embed import onnx as by_onnx
from provenance.embed import open_clip as by_open_clip
from provenance.embed import transformers as by_transformers
from provenance.embed.export import export_model, export_tower
from provenance.embed.tower import LoadedTower
from provenance.embed.untrained import untrained_weights
from provenance.errors import ConfigError
from provenance.weights.interface import Weights

from .conftest import EXAMPLES, TINY
from .test_parity import with_vocabulary

TEXTS = ["a photo of a cat", "a rocket, oil painting", "word " * 100]
HEAVY = ("torch", "open_clip", "transformers", "onnx", "tokenizers", "safetensors")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Weights:
    """ViT-B/32 with a small text tower."""
    return untrained_weights("ViT-B-32", tmp_path_factory.mktemp("weights"), change=TINY)


@pytest.fixture(scope="module")
def tower(weights) -> LoadedTower:
    return by_open_clip.load(weights)


@pytest.fixture(scope="module")
def folder(tower, tmp_path_factory) -> Path:
    """The tower in INT8."""
    target = tmp_path_factory.mktemp("export") / "int8"
    said: list[str] = []
    done = export_tower(tower, target, precision="int8", progress=said.append)
    assert said == ["writing the picture tower", "writing the text tower"]
    assert done.folder == target
    assert done.identity.precision == "int8"
    assert set(done.files) == {path.name for path in target.iterdir()}
    assert min(done.agreement.values()) >= 0.99
    return target


def test_int8_agrees_on_real_pictures(tower, folder, examples):
    found = by_onnx.load_folder(folder)
    assert (found.identity.backend, found.identity.precision) == ("onnx", "int8")
    assert found.identity.model == tower.identity.model
    assert found.describe()["width"] == 512
    pictures = agreement.cosines(found.embed_pictures(examples), tower.embed_pictures(examples))
    texts = agreement.cosines(found.embed_texts(TEXTS), tower.embed_texts(TEXTS))
    assert pictures.min() >= 0.99
    assert texts.min() >= 0.99


@pytest.fixture(scope="module")
def graph(tower):
    """The picture tower in FP32."""
    pixels = np.zeros((2, 3, 224, 224), np.float32)
    return graphs.graph_of(tower.engine().image, pixels, "pixels")


def test_fp32_and_fp16_agree(tower, graph, examples):
    pixels = tower.recipe.preprocess(examples)
    wanted = tower.engine().pictures(pixels)
    sizes = []
    for precision in ("fp32", "fp16"):
        (data,) = graphs.variants(graph, precision)
        sizes.append(len(data))
        found = by_onnx.session(data).run(None, {"pixels": pixels})[0]
        assert agreement.cosines(found, wanted).min() >= 0.999
        alone = by_onnx.session(data).run(None, {"pixels": pixels[:1]})[0]
        assert np.allclose(alone, found[:1], atol=1e-4)
    assert 0.49 < sizes[1] / sizes[0] < 0.53


def test_a_large_tower_agrees(tmp_path, examples):
    weights = untrained_weights("ViT-L-14", tmp_path, change={"layers": 2})  # of the text tower
    tower = by_open_clip.load(weights)
    pixels = tower.recipe.preprocess(examples[:2])
    wanted = tower.engine().pictures(pixels)
    (data,) = graphs.variants(graphs.graph_of(tower.engine().image, pixels, "pixels"), "fp32")
    del tower, weights  # 1.2 GB beside its copy
    found = by_onnx.session(data).run(None, {"pixels": pixels})[0]
    assert agreement.cosines(found, wanted).min() >= 0.999


def test_siglip_by_transformers_agrees(tmp_path, examples):
    change = {"vocab_size": 500, "layers": 2}
    weights = untrained_weights("ViT-B-16-SigLIP", tmp_path, change=change)
    tower = by_transformers.load(with_vocabulary(weights, tmp_path))
    export_tower(tower, tmp_path / "out")
    found = by_onnx.load_folder(tmp_path / "out")
    a, b = found.embed_pictures(examples[:1]), tower.embed_pictures(examples[:1])
    assert agreement.cosines(a, b).min() >= 0.999
    assert agreement.cosines(found.embed_texts(TEXTS), tower.embed_texts(TEXTS)).min() >= 0.999
    assert found.logit_bias == tower.logit_bias == -10
    assert found.recipe.tokenizer.digest == tower.recipe.tokenizer.digest


def test_it_loads_without_torch(folder):
    script = (
        "import sys; from provenance.embed.onnx import load_folder; from provenance import Picture;"
        f"t = load_folder({str(folder)!r}); p = Picture.open({str(EXAMPLES / 'coffee.png')!r});"
        "assert t.embed_pictures([p]).shape == (1, 512); assert t.embed_texts(['a']).any();"
        f"found = set({HEAVY!r}) & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_it_travels_by_pickle(folder):
    tower = by_onnx.load_folder(folder)
    again = pickle.loads(pickle.dumps(tower))
    assert np.array_equal(tower.embed_texts(TEXTS), again.embed_texts(TEXTS))


def test_a_changed_file_is_refused(folder, tmp_path, examples):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    graph = copy / "image.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    with pytest.raises(ConfigError, match=r"image\.onnx is not the file that was exported"):
        by_onnx.load_folder(copy).embed_pictures(examples[:1])
    (copy / "merges.txt").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"merges\.txt is not the file"):
        by_onnx.load_folder(copy)
    (copy / "merges.txt").unlink()
    with pytest.raises(ConfigError, match=r"no merges\.txt"):
        by_onnx.load_folder(copy)


def test_the_configuration_can_be_pinned(folder):
    import hashlib

    digest = hashlib.sha256((folder / "tower.json").read_bytes()).hexdigest()
    assert by_onnx.load_folder(folder, sha256=digest.upper()).width == 512
    with pytest.raises(ConfigError, match="SHA-256 was given"):
        by_onnx.load_folder(folder, sha256="0" * 64)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 9}, {"width": "wide"}, {"files": []}, {"files": {}}, {"precision": "fp8"},
        {"preprocess": {}}, {"tokenizer": None}, {"tokenizer": {"kind": "x", "file": "../x"}},
        {"logit_scale": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_configuration_is_one_sentence(folder, tmp_path, change):
    files = {path.name: path for path in folder.iterdir()}
    files["tower.json"] = tmp_path / "tower.json"
    config = json.loads((folder / "tower.json").read_text())
    files["tower.json"].write_text(json.dumps({**config, **change}))
    with pytest.raises(ConfigError):
        by_onnx.load(Weights("m", "1", files, "MIT"))


def test_a_graph_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="ONNX Runtime refuses"):
        by_onnx.session(b"no graph")


def test_a_folder_without_a_tower_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no tower\.json"):
        by_onnx.load_folder(tmp_path)


def test_what_does_not_agree_is_not_handed_over(tower, graph, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "graph_of", lambda *_: graph)
    monkeypatch.setitem(agreement.FLOOR, "fp16", 1.1)
    with pytest.raises(ConfigError, match="higher precision"):
        export_tower(tower, tmp_path / "out", precision="fp16")
    assert list(tmp_path.iterdir()) == []


def test_targets_and_precisions_that_cannot_be(tower, folder, tmp_path):
    with pytest.raises(ConfigError, match="not empty"):
        export_tower(tower, folder)
    with pytest.raises(ConfigError, match="does not exist"):
        export_tower(tower, tmp_path / "no" / "out")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ConfigError, match="cannot write"):
        export_tower(tower, tmp_path / "file")
    with pytest.raises(ConfigError, match="expected fp32, fp16, int8"):
        export_tower(tower, tmp_path / "out", precision="bf16")
    with pytest.raises(ConfigError, match="exported already"):
        export_tower(by_onnx.load_folder(folder), tmp_path / "out")


def test_a_model_that_is_too_large_is_refused(tower, monkeypatch):
    monkeypatch.setattr(graphs, "_MAX_BYTES", 1000)
    with pytest.raises(ConfigError, match="a file of ONNX holds"):
        graphs.graph_of(tower.engine().image, np.zeros((2, 3, 224, 224), np.float32), "pixels")


def test_a_missing_extra_is_named(tower, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"provenance-kit\[clip\]"):
        export_tower(tower, tmp_path / "out")


def test_a_model_is_exported_by_name(weights, tmp_path, monkeypatch):
    class Store:
        def get(self, model: str) -> Weights:
            assert model == "some"
            return weights

    seen = {}
    monkeypatch.setattr(export, "export_tower", lambda tower, *a, **k: seen.update(tower=tower))
    export_model("some", tmp_path / "out", store=Store())
    assert seen["tower"].identity.backend == "open_clip"
