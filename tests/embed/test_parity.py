"""Three backends, the same weights, the same embeddings: real architectures, untrained weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("transformers")

from provenance.embed import convert
from provenance.embed import open_clip as by_open_clip
from provenance.embed import transformers as by_transformers
from provenance.embed.agreement import cosines
from provenance.embed.preprocess import Preprocess
from provenance.embed.torch_engine import check_safetensors, read_state
from provenance.embed.untrained import untrained_weights
from provenance.errors import ConfigError
from provenance.weights.interface import Weights

from .conftest import TINY
from .test_tokens import trained

TEXTS = ["a photo of a cat", "a rocket, oil painting", "word " * 100]
FLOOR = 0.999

CHANGES = {
    "ViT-B-32-quickgelu": TINY,
    "ViT-L-14": {"layers": 2},  # of the text tower, whose blocks are those of ViT-B/32's
    "ViT-B-16-SigLIP": {"vocab_size": 500},
    "ViT-B-16-SigLIP2": {"vocab_size": 500, "layers": 2},  # the rest is SigLIP's
}
"""To save time and memory: a vocabulary has no part in whether two libraries agree."""


def with_vocabulary(weights: Weights, folder: Path) -> Weights:
    """SigLIP's vocabulary is in no package; a tiny one takes its place."""
    files = dict(weights.files)
    for name, data in (
        ("tokenizer.json", trained()),
        ("tokenizer_config.json", b'{"pad_token": "</s>", "tokenizer_class": "SiglipTokenizer"}'),
    ):
        files[name] = folder / name
        files[name].write_bytes(data)
    return dataclasses.replace(weights, files=files)


@pytest.mark.parametrize(
    "architecture",
    ["ViT-B-32", "ViT-B-32-quickgelu", "ViT-L-14", "ViT-B-16-SigLIP", "ViT-B-16-SigLIP2"],
)
def test_open_clip_and_transformers_agree(architecture, examples, tmp_path):
    weights = untrained_weights(architecture, tmp_path, change=CHANGES.get(architecture))
    if "SigLIP" in architecture:
        weights = with_vocabulary(weights, tmp_path)
    pictures = examples[:1] if architecture == "ViT-L-14" else examples
    found = []
    for backend in (by_open_clip, by_transformers):
        tower = backend.load(weights)
        assert tower.identity.revision == "random"
        found.append((tower.embed_pictures(pictures), tower.embed_texts(TEXTS)))
        del tower  # the large ones do not fit beside each other
    (a, b), (c, d) = found
    assert cosines(a, c).min() >= FLOOR
    assert cosines(b, d).min() >= FLOOR
    assert abs(float(b[0] @ b[1])) < 0.9999  # or agreeing would mean nothing


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Weights:
    """ViT-B/32 with a small text tower."""
    return untrained_weights("ViT-B-32", tmp_path_factory.mktemp("small"), change=TINY)


def test_the_libraries_own_preprocessing_gives_the_same_embeddings(small, examples):
    import open_clip
    import transformers

    tower = by_open_clip.load(small)
    ours = tower.embed_pictures(examples)
    steps = open_clip.image_transform(224, is_train=False)
    processor = transformers.CLIPImageProcessor()
    for row, picture in zip(ours, examples, strict=True):
        image = Image.fromarray(picture.pixels)
        for theirs in (
            steps(image).numpy()[None],
            np.asarray(processor(image, return_tensors="np")["pixel_values"]),
        ):
            assert cosines(row[None], tower.engine().pictures(theirs)).min() >= FLOOR


def as_hub(weights: Weights, folder: Path, **change: object) -> Weights:
    """The same weights as transformers' own files."""
    import json

    import safetensors.torch

    state = read_state(by_open_clip.weights_file(weights))
    given = by_open_clip.configuration(weights)["model_cfg"]
    path = folder / "model.safetensors"
    renamed = {name: tensor.clone() for name, tensor in convert.renamed(state).items()}
    safetensors.torch.save_file(renamed, path)
    config = folder / "config.json"
    config.write_text(json.dumps({**convert.configuration(given, state), **change}))
    return dataclasses.replace(weights, files={path.name: path, config.name: config})


def test_files_of_the_hub_load_by_themselves(small, examples, tmp_path):
    hub = as_hub(small, tmp_path)
    tower, first = by_transformers.load(hub), by_open_clip.load(small)
    assert tower.identity.backend == "transformers"
    assert tower.recipe.preprocess == first.recipe.preprocess == Preprocess()
    assert tower.recipe.tokenizer.digest == first.recipe.tokenizer.digest
    assert tower.logit_scale == pytest.approx(first.logit_scale)
    assert cosines(tower.embed_pictures(examples), first.embed_pictures(examples)).min() >= FLOOR


def test_a_preprocessor_config_is_obeyed(small, tmp_path):
    hub = as_hub(small, tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text('{"do_center_crop": false, "image_mean": [0, 0, 0], "resample": 2}')
    hub = dataclasses.replace(hub, files={**hub.files, path.name: path})
    steps = by_transformers.load(hub).recipe.preprocess
    assert (steps.fit, steps.mean, steps.filter) == ("squash", (0, 0, 0), "bilinear")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"model_type": "bert"}, "bert"), ({"projection_dim": 77}, "does not fit")],
)
def test_other_networks_are_refused(small, tmp_path, change, said, examples):
    with pytest.raises(ConfigError, match=said):
        by_transformers.load(as_hub(small, tmp_path, **change)).embed_pictures(examples[:1])


def test_weights_of_another_architecture_are_refused(small, examples):
    tower = by_open_clip.load(small, architecture="ViT-B-16")
    with pytest.raises(ConfigError, match="does not fit the architecture"):
        tower.embed_pictures(examples[:1])


def test_an_unknown_architecture_gets_the_nearest_name(small):
    with pytest.raises(ConfigError, match="did you mean ViT-B-32"):
        by_open_clip.load(small, architecture="ViT-B32")


def test_pickles_and_damaged_files_are_refused(tmp_path):
    for name in ("open_clip_pytorch_model.bin", "ViT-B-32.pt"):
        path = tmp_path / name
        path.write_bytes(b"\x80\x04.")
        with pytest.raises(ConfigError, match="pickle runs code"):
            by_open_clip.load(Weights("m", "1", {name: path}, "MIT"))
        with pytest.raises(ConfigError, match="pickle runs code"):
            check_safetensors(path)
    broken = tmp_path / "model.safetensors"
    broken.write_bytes(b"\xff" * 100)
    with pytest.raises(ConfigError, match="pull the model again"):
        by_open_clip.load(Weights("m", "1", {broken.name: broken}, "MIT"), architecture="ViT-B-32")
    with pytest.raises(ConfigError, match="architecture is not known"):
        by_open_clip.load(Weights("m", "1", {broken.name: broken}, "MIT"))


def test_a_text_tower_from_the_hub_is_refused():
    with pytest.raises(ConfigError, match="downloaded"):
        by_open_clip.make_model(by_open_clip.architecture_of("roberta-ViT-B-32"))


def test_loading_leaves_the_callers_random_numbers_alone(small, examples):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    by_open_clip.load(small).embed_pictures(examples[:1])
    assert torch.equal(torch.rand(3), expected)
