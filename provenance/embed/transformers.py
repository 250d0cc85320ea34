"""Towers that transformers runs: CLIP, SigLIP, SigLIP 2. Needs `pip install provenance-kit[clip]`.

Files in open_clip's layout are taken as well; their tensors are renamed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import transformers

from provenance.embed import convert
from provenance.embed import open_clip as layout
from provenance.embed.bpe import ClipTokenizer
from provenance.embed.interface import Identity
from provenance.embed.preprocess import CLIP_MEAN, CLIP_STD, Preprocess
from provenance.embed.tokens import HubTokenizer, Tokenizer, padding_token, read_json
from provenance.embed.torch_engine import Encoder, TorchEngine, built, fill, read_logits, read_state
from provenance.embed.tower import LoadedTower, Recipe
from provenance.errors import ConfigError
from provenance.weights.interface import Weights

_KINDS = ("clip", "siglip")
_FILTERS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which preprocessor_config.json holds."""

_DROPPED = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")
"""Counted from 0; files of old versions hold them."""


def load(weights: Weights) -> LoadedTower:
    """A tower from files on this machine; the network is not asked.

    Args:
        weights: `config.json`, one file of safetensors, `tokenizer.json` with
            `tokenizer_config.json`, and `preprocessor_config.json` unless it is the usual one; or
            what `provenance.embed.open_clip.load` takes.

    Raises:
        ConfigError: the files are not those of CLIP, SigLIP or SigLIP 2.
    """
    path = layout.weights_file(weights)
    if "config.json" not in weights.files:
        return _renamed(weights)
    given = read_json(weights.files["config.json"].read_bytes(), "config.json")
    settings = _settings(given)
    scale, bias = read_logits(path)
    recipe = Recipe(
        Identity(weights.model, weights.revision, "transformers"),
        _width(settings),
        _preprocess(settings, weights.files),
        _tokenizer(settings, weights.files),
        scale,
        bias,
    )
    return LoadedTower(recipe, partial(_engine, json.dumps(given), path))


def make_model(given: Mapping[str, Any]) -> Any:
    """The network of a `config.json`, without weights."""
    settings = _settings(given)
    kind = transformers.CLIPModel if settings.model_type == "clip" else transformers.SiglipModel
    return built(lambda: kind(settings))


def engine_of(model: Any) -> TorchEngine:
    """The two towers of a network."""
    return TorchEngine(Encoder(model, _encode_image), Encoder(model, _encode_text))


def _settings(given: Mapping[str, Any]) -> Any:
    kind = given.get("model_type")
    if kind not in _KINDS:
        raise ConfigError(
            f"config.json describes a model of type '{str(kind)[:40]}'; expected clip or siglip, "
            "which SigLIP 2 with pictures of a fixed size is as well"
        )
    made = transformers.CLIPConfig if kind == "clip" else transformers.SiglipConfig
    try:
        return made.from_dict(dict(given))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"config.json cannot be read ({error}); pull it again") from error


def _width(settings: Any) -> int:
    if settings.model_type == "clip":
        return int(settings.projection_dim)
    return int(settings.vision_config.hidden_size)


def _preprocess(settings: Any, files: Mapping[str, Path]) -> Preprocess:
    clip = settings.model_type == "clip"
    usual: dict[str, Any] = {
        "side": settings.vision_config.image_size,
        "mean": CLIP_MEAN if clip else (0.5,) * 3,
        "std": CLIP_STD if clip else (0.5,) * 3,
        "fit": "crop" if clip else "squash",
        "filter": "bicubic",
    }
    if "preprocessor_config.json" not in files:
        return Preprocess.from_dict(usual)
    name = "preprocessor_config.json"
    given = read_json(files[name].read_bytes(), name)
    number = given.get("resample", 3)
    return Preprocess.from_dict(
        {
            **usual,
            "mean": given.get("image_mean", usual["mean"]),
            "std": given.get("image_std", usual["std"]),
            "fit": "crop" if given.get("do_center_crop", clip) else "squash",
            "filter": _FILTERS.get(number, str(number)),
        }
    )


def _tokenizer(settings: Any, files: Mapping[str, Path]) -> Tokenizer:
    context = int(settings.text_config.max_position_embeddings)
    data = files["tokenizer.json"].read_bytes() if "tokenizer.json" in files else None
    if settings.model_type == "clip":
        if data is None and "merges.txt" in files:
            data = files["merges.txt"].read_bytes()
        if data is None:
            return ClipTokenizer.bundled(context=context)
        return ClipTokenizer.from_bytes(data, context=context)
    if data is None:
        raise ConfigError("the model's vocabulary is missing; pull its tokenizer.json as well")
    name = "tokenizer_config.json"
    other = read_json(files[name].read_bytes(), name) if name in files else {}
    # SigLIP's own tokenizer drops punctuation; SigLIP 2 uses Gemma's on lower case.
    own = str(other.get("tokenizer_class", "")).startswith("Siglip")
    pad = padding_token(read_json(data, "tokenizer.json"), other)
    return HubTokenizer(data, pad=pad, context=context, how="canonicalize" if own else "lower")


def _engine(given: str, path: Path) -> TorchEngine:
    model = make_model(json.loads(given))
    state = {name: t for name, t in read_state(path).items() if name not in _DROPPED}
    fill(model, state, path.name)
    return engine_of(model)


def _renamed(weights: Weights) -> LoadedTower:
    identity = Identity(weights.model, weights.revision, "transformers")
    recipe = replace(layout.load(weights).recipe, identity=identity)
    path = layout.weights_file(weights)
    return LoadedTower(
        recipe, partial(_renamed_engine, json.dumps(layout.configuration(weights)), path)
    )


def _renamed_engine(given: str, path: Path) -> TorchEngine:
    state = read_state(path)
    model = make_model(convert.configuration(json.loads(given)["model_cfg"], state))
    fill(model, convert.renamed(state), path.name)
    return engine_of(model)


def _encode_image(model: Any, pixels: Any) -> Any:
    return _vectors(model.get_image_features(pixel_values=pixels))


def _encode_text(model: Any, tokens: Any) -> Any:
    return _vectors(model.get_text_features(input_ids=tokens))


def _vectors(found: Any) -> Any:
    """Since version 5 the features come with more around them."""
    return getattr(found, "pooler_output", found)
