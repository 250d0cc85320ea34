"""Nodes of ComfyUI: by its contract, protected, all or none, and nobody's words in the file."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.errors import (
    Blocked,
    ConfigError,
    ModerationFailed,
    OutputError,
    ReadbackFailed,
    UnsupportedPicture,
)
from provenance.integrations.comfyui import graph, host, mappings
from provenance.integrations.comfyui.nodes import _loaded, mappings_for, pictures_of
from provenance.pipeline import Statements
from provenance.sign.interface import Generator
from tests.integrations import comfyui_contract as contract
from tests.integrations.protecting import Terms, build

EXAMPLE = Path(__file__).parents[2] / "examples" / "comfyui_provenance"


def workflow(positive="a castle", negative="blurry", **save: Any) -> dict[str, Any]:
    """The one that ComfyUI opens with, ending in our node."""
    return {
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "bloody.ckpt"},
        },
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": positive, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": negative, "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 1,
                "cfg": 8.0,
                "sampler_name": "euler",
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {
            "class_type": "ProvenanceSave",
            "inputs": {"images": ["8", 0], "filename_prefix": "ComfyUI", **save},
        },
    }


class Loader:
    """A stand-in for ComfyUI's own node."""

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {"ckpt_name": (["bloody.ckpt"],)}}


class Stock:
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {"images": ("IMAGE",)}}


@pytest.fixture
def comfy(tmp_path, monkeypatch):
    """ComfyUI's folders and node classes."""
    paths = contract.FolderPaths(tmp_path)
    classes = types.ModuleType("nodes")
    classes.NODE_CLASS_MAPPINGS = {"CheckpointLoaderSimple": Loader, "SaveImage": Stock}
    monkeypatch.setitem(sys.modules, "folder_paths", paths)
    monkeypatch.setitem(sys.modules, "nodes", classes)
    return tmp_path


@pytest.fixture(scope="module")
def terms():
    return Terms("blood")


@pytest.fixture(scope="module")
def ours(config, terms):
    says = Statements(Generator("test"), keep_metadata=True)
    return build(config, prompts=(terms,), says=says)


@pytest.fixture
def node(ours, comfy):
    return mappings_for(lambda: ours)[0]["ProvenanceSave"]


@pytest.fixture
def batch():
    return np.random.default_rng(3).random((2, 48, 64, 3), dtype=np.float32)


def files(comfy, kind="output"):
    return sorted(p.relative_to(comfy / kind).as_posix() for p in (comfy / kind).rglob("*.*"))


def test_the_example_loads_and_keeps_the_contract(comfy):
    module = contract.load(EXAMPLE)
    assert set(module.NODE_CLASS_MAPPINGS) == {"ProvenanceSave", "ProvenancePreview"}
    for name, node in module.NODE_CLASS_MAPPINGS.items():
        contract.check(name, node, module.NODE_DISPLAY_NAME_MAPPINGS)


def test_a_batch_is_saved_protected_and_numbered(node, comfy, ours, batch):
    ui = contract.run(node, workflow(), "9", batch)
    assert ui["images"] == [
        {"filename": f"ComfyUI_0000{n}_.png", "subfolder": "", "type": "output"} for n in (1, 2)
    ]
    for number, told in enumerate(ui["provenance"]):
        data = (comfy / "output" / told["filename"]).read_bytes()
        assert ours.issued(data)
        assert told["watermark_id"] and told["manifest_id"].startswith("urn:c2pa:")
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        assert np.abs(pixels - 255 * batch[number]).max() < 2
        assert b"castle" not in data and b"KSampler" not in data
    assert contract.run(node, workflow(), "9", batch)["images"][0]["filename"].endswith(
        "00003_.png"
    )


def test_a_mark_that_does_not_survive_leaves_no_file(node, comfy, batch):
    with pytest.raises(ReadbackFailed):  # the fake one is in the lowest bits
        contract.run(node, workflow(format="webp"), "9", batch[:1])
    assert files(comfy) == []


@pytest.mark.parametrize(("name", "suffix"), [("webp", ".webp"), ("jpeg", ".jpg")])
def test_with_the_real_mark(comfy, config, scene, monkeypatch, name, suffix):
    _loaded.cache_clear()
    node = mappings(config.path)[0]["ProvenanceSave"]
    images = scene[None, 128:384, 128:384].astype(np.float32) / 255
    graph = workflow(format=name, quality=90)
    (shown,) = contract.run(node, graph, "9", images)["images"]
    assert shown["filename"] == f"ComfyUI_00001_{suffix}"
    assert node.pipeline().issued((comfy / "output" / shown["filename"]).read_bytes())
    _loaded.cache_clear()


def test_tensors(node, comfy, ours, batch):
    torch = pytest.importorskip("torch")
    tensors = torch.from_numpy(batch).half()
    (one, _) = contract.run(node, workflow(), "9", tensors)["images"]
    assert ours.issued((comfy / "output" / one["filename"]).read_bytes())


def test_the_preview_is_protected_as_well(ours, comfy, batch):
    node = mappings_for(lambda: ours)[0]["ProvenancePreview"]
    graph = workflow()
    graph["9"] = {"class_type": "ProvenancePreview", "inputs": {"images": ["8", 0]}}
    ui = contract.run(node, graph, "9", batch)
    assert [image["type"] for image in ui["images"]] == ["temp", "temp"]
    assert all(ours.issued((comfy / "temp" / i["filename"]).read_bytes()) for i in ui["images"])
    assert files(comfy) == []


def test_prompts_are_moderated_and_negatives_are_no_wishes(node, comfy, batch, terms):
    with pytest.raises(Blocked) as refused:
        contract.run(node, workflow(positive="a pool of blood"), "9", batch)
    assert refused.value.stage == "prompt" and "blood" not in str(refused.value)
    assert files(comfy) == []
    terms.read.clear()
    contract.run(node, workflow(negative="blood, gore"), "9", batch)
    # The checkpoint's name is a choice from a list; the sampler's is not, since nobody declares it.
    assert set(terms.read) == {"a castle", "euler", "negative: blood, gore"}


def test_a_prompt_of_another_node_is_moderated(node, batch):
    with pytest.raises(Blocked):
        contract.run(node, workflow(), "9", batch, text="made up elsewhere: blood")


def test_without_its_workflow_nothing_is_saved(node, comfy, batch):
    for lost in (None, {}, {"9": "no node"}, []):
        with pytest.raises(ModerationFailed, match="hand over the workflow"):
            node().save(batch, prompt=lost, unique_id="9")
    assert files(comfy) == []


def wanted(nodes, node="9", declared=lambda _: {}):
    found = graph.asked(nodes, node, declared)
    return {str(p) for p in found.prompts}, {getattr(p, "negative", "") for p in found.prompts}


def test_a_negative_that_is_drawn_counts_as_a_prompt():
    nodes = workflow(negative="gore")
    assert "gore" not in wanted(nodes)[0]
    for guidance in (0.0, 0.9, ["5", 0], True):
        nodes["3"]["inputs"]["cfg"] = guidance
        assert "gore" in wanted(nodes)[0]


def test_both_sides_through_one_node():
    nodes = workflow(negative="gore")
    control = {"positive": ["6", 0], "negative": ["7", 0], "control_net": ["4", 0]}
    nodes["10"] = {"class_type": "ControlNetApplyAdvanced", "inputs": control}
    nodes["3"]["inputs"] |= {"positive": ["10", 0], "negative": ["10", 1]}
    assert "gore" not in wanted(nodes)[0] and wanted(nodes)[1] == {"gore"}
    nodes["3"]["inputs"] |= {"positive": ["10", 1], "negative": ["10", 0]}  # swapped: it is drawn
    assert "gore" in wanted(nodes)[0]


def test_texts_wherever_they_stand():
    nodes = workflow()
    nodes["6"]["inputs"] = {"text_g": "one", "rows": [{"text": "two"}], "clip": ["11", 0]}
    nodes["11"] = {"class_type": "Odd", "inputs": {"sampler_name": "three", "back": ["6", 0]}}
    nodes["12"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "reaches nothing"}}
    found, _ = wanted(nodes)
    assert {"one", "two", "three"} <= found
    assert not {"reaches nothing", "ComfyUI"} & found


def test_a_choice_has_to_be_in_the_list():
    nodes = workflow()
    nodes["6"]["inputs"] = {"style": "noir", "text": "rain"}
    for declared in ({"style": (["noir"],)}, {"style": ("COMBO", {"options": ["noir"]})}):
        assert "noir" not in wanted(nodes, declared=lambda _kind, d=declared: d)[0]
    for declared in ({"style": (["other"],)}, {"style": ("STRING", {})}, {"style": 7}, {}):
        assert "noir" in wanted(nodes, declared=lambda _kind, d=declared: d)[0]


def test_a_value_nested_too_deep_is_refused():
    nodes = workflow()
    value: Any = "x"
    for _ in range(60):
        value = [value, 1, 2]
    nodes["6"]["inputs"]["text"] = value
    with pytest.raises(ModerationFailed, match="nested"):
        wanted(nodes)


values = st.recursive(
    st.none() | st.text(max_size=4) | st.integers() | st.sampled_from([["1", 0], ["2", 1]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
anything = st.dictionaries(
    st.sampled_from("123"),
    st.fixed_dictionaries(
        {
            "class_type": st.sampled_from(["KSampler", "LoadImage", "x"]) | st.integers(),
            "inputs": st.dictionaries(st.sampled_from(["negative", "cfg", "image", "t"]), values),
        }
    )
    | values,
)


@given(nodes=anything)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_graph_is_read_or_refused(nodes):
    with contextlib.suppress(ModerationFailed):
        graph.asked(nodes, "1", lambda _: {})


def test_the_workflow_goes_into_the_file_only_if_asked(node, comfy, batch):
    ui = contract.run(node, workflow(embed_workflow=True), "9", batch[:1])
    with Image.open(comfy / "output" / ui["images"][0]["filename"]) as image:
        assert json.loads(image.text["prompt"])["6"]["inputs"]["text"] == "a castle"
        assert json.loads(image.text["workflow"]) == {"nodes": []}
    with pytest.raises(ConfigError, match="not in jpeg"):
        contract.run(node, workflow(embed_workflow=True, format="jpeg"), "9", batch[:1])


def test_a_workflow_in_webp(config, comfy, scene):
    _loaded.cache_clear()
    node = mappings(config.path)[0]["ProvenanceSave"]
    images = scene[None, 128:384, 128:384].astype(np.float32) / 255
    ui = contract.run(node, workflow(embed_workflow=True, format="webp"), "9", images)
    with Image.open(comfy / "output" / ui["images"][0]["filename"]) as image:
        exif = image.getexif()
    assert json.loads(exif[0x0110].removeprefix("prompt:"))["3"]["class_type"] == "KSampler"
    assert exif[0x010F] == 'workflow:{"nodes": []}'
    _loaded.cache_clear()


def test_comfyui_may_forbid_metadata(node, comfy, batch, monkeypatch):
    args = types.ModuleType("comfy.cli_args")
    args.args = types.SimpleNamespace(disable_metadata=True)
    monkeypatch.setitem(sys.modules, "comfy.cli_args", args)
    ui = contract.run(node, workflow(embed_workflow=True), "9", batch[:1])
    assert b"castle" not in (comfy / "output" / ui["images"][0]["filename"]).read_bytes()


def test_reports_beside_the_files(node, comfy, batch):
    contract.run(node, workflow(write_report=True), "9", batch)
    assert files(comfy) == [f"ComfyUI_0000{n}_{s}" for n in (1, 2) for s in (".json", ".png")]
    text = (comfy / "output" / "ComfyUI_00001_.json").read_text()
    assert json.loads(text)["file"] == "ComfyUI_00001_.png" and "castle" not in text


def test_folders_and_variables_in_the_prefix(node, comfy, batch):
    prefix = "day/%width%x%height%_%batch_num%"
    ui = contract.run(node, workflow(filename_prefix=prefix), "9", batch)
    assert ui["images"][1] == {
        "filename": "64x48_1_00002_.png",
        "subfolder": "day",
        "type": "output",
    }
    assert files(comfy) == ["day/64x48_0_00001_.png", "day/64x48_1_00002_.png"]


@pytest.mark.parametrize(
    "prefix", ["../out", "/etc/x", "a/../../b", "a\0b", "..", "link/x", "x" * 400]
)
def test_no_prefix_leads_outside(node, comfy, batch, prefix):
    (comfy / "elsewhere").mkdir()
    (comfy / "output" / "link").symlink_to(comfy / "elsewhere")
    with pytest.raises(OutputError):
        contract.run(node, workflow(filename_prefix=prefix), "9", batch[:1])
    assert files(comfy) == [] and list((comfy / "elsewhere").iterdir()) == []
    assert {p.name for p in comfy.iterdir()} == {"output", "temp", "input", "elsewhere"}


def test_all_of_a_batch_is_written_or_none(node, comfy, batch, monkeypatch):
    wrote = host.write_atomically

    def full(path, data):
        if "00002" in path.name:
            raise OutputError(f"cannot write {path.name}: the disk is full")
        return wrote(path, data)

    monkeypatch.setattr(host, "write_atomically", full)
    with pytest.raises(OutputError, match="disk is full"):
        contract.run(node, workflow(write_report=True), "9", batch)
    assert files(comfy) == []


def test_other_nodes_that_write_are_named(node, batch):
    nodes = workflow()
    nodes["20"] = {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
    nodes["21"] = "no node"
    ui = contract.run(node, nodes, "9", batch[:1])
    assert "node 20 (SaveImage) writes its pictures unprotected" in ui["provenance"][0]["notes"]


def test_loaded_pictures_are_named_in_the_history(node, comfy, ours, batch):
    Image.fromarray((255 * batch[0]).astype(np.uint8)).save(comfy / "input" / "mine.png")
    (comfy / "secret.png").write_bytes((comfy / "input" / "mine.png").read_bytes())
    nodes = workflow()
    for number, name in enumerate(("mine.png", "../secret.png", "gone.png")):
        nodes[f"3{number}"] = {"class_type": "LoadImage", "inputs": {"image": name}}
        nodes["3"]["inputs"][f"pixels{number}"] = [f"3{number}", 0]
    finished: list[Any] = []
    kept = types.SimpleNamespace(
        protect=lambda *a, **k: finished.extend(ours.protect(*a, **k)) or finished
    )
    contract.run(mappings_for(lambda: kept)[0]["ProvenanceSave"], nodes, "9", batch[:1])
    ingredients = finished[0].report.evidence[0].details["ingredients"]
    assert [each["relationship"] for each in ingredients] == ["inputTo"]


def test_values_outside_are_cut_off_and_bad_ones_refused(batch):
    (high, _) = pictures_of(2 * batch - 0.5)
    assert high.pixels.max() == 255 and high.pixels.min() == 0
    assert pictures_of(np.zeros((1, 3, 3, 1), np.float64))[0].gray
    for bad in (batch[0], batch[..., :2], batch * np.nan, batch.astype(int), batch[:0], None, "x"):
        with pytest.raises(UnsupportedPicture):
            pictures_of(bad)


def test_outside_comfyui_the_sentence_says_so(ours, batch):
    assert "folder_paths" not in sys.modules
    node = mappings_for(lambda: ours)[0]["ProvenanceSave"]
    with pytest.raises(ConfigError, match="inside ComfyUI alone"):
        graph = {"9": {"class_type": "ProvenanceSave", "inputs": {}}}
        node().save(batch[:1], prompt=graph, unique_id="9")


def test_a_missing_configuration_is_one_sentence(comfy, batch, tmp_path):
    node = mappings(tmp_path / "none.toml")[0]["ProvenanceSave"]
    with pytest.raises(ConfigError):
        contract.run(node, workflow(), "9", batch[:1])
