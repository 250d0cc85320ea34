"""Towers that open_clip runs. Needs `pip install provenance-kit[clip]`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch

from provenance.embed.bpe import ClipTokenizer
from provenance.embed.interface import Identity
from provenance.embed.preprocess import CLIP_MEAN, CLIP_STD, Preprocess
from provenance.embed.tokens import HubTokenizer, Tokenizer, padding_token, read_json
from provenance.embed.torch_engine import (
    Encoder,
    TorchEngine,
    built,
    check_safetensors,
    fill,
    read_logits,
    read_state,
)
from provenance.embed.tower import LoadedTower, Recipe
from provenance.errors import ConfigError
from provenance.weights.interface import Weights

CONFIG = "open_clip_config.json"
_CLEAN = ("lower", "canonicalize", "whitespace")

_KNOWN = {
    "timm/vit_base_patch32_clip_224.openai": "ViT-B-32-quickgelu",
    "clip-vit-b-32-openai-openclip": "ViT-B-32-quickgelu",
    "clip-vit-b-32-laion2b-openclip": "ViT-B-32",
}
"""Architectures of models whose files come without a configuration."""


def load(weights: Weights, *, architecture: str | None = None) -> LoadedTower:
    """A tower from files on this machine; the network is not asked.

    Args:
        weights: one file of safetensors, `open_clip_config.json` unless the architecture is known,
            and `tokenizer.json` unless it is CLIP's own, which comes with open_clip.
        architecture: open_clip's name, where the files do not say it.

    Raises:
        ConfigError: the files are not those of a model that open_clip knows.
    """
    path = weights_file(weights)
    settings = configuration(weights, architecture)
    scale, bias = read_logits(path)
    identity = Identity(weights.model, weights.revision, "open_clip")
    recipe = Recipe(
        identity,
        _width(settings),
        preprocess_of(settings),
        _tokenizer(settings, weights.files),
        scale,
        bias,
    )
    return LoadedTower(recipe, partial(_engine, json.dumps(settings), path))


def architecture_of(name: str) -> dict[str, Any]:
    """Configuration of an architecture that open_clip has built in, with its preprocessing.

    Raises:
        ConfigError: there is none of that name; the message suggests the nearest.
    """
    found = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    if found is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "see open_clip.list_models()"
        raise ConfigError(f"open_clip has no architecture '{name[:80]}'; {hint}")
    tags = open_clip.list_pretrained_tags_by_model(name)
    usual = open_clip.get_pretrained_cfg(name, tags[0]) if tags else {}
    keys = ("mean", "std", "interpolation", "resize_mode")
    return {"model_cfg": found, "preprocess_cfg": {k: usual[k] for k in keys if usual.get(k)}}


def make_model(configuration: Mapping[str, Any], *, random: bool = False) -> Any:
    """The network of a configuration, to be filled with weights, or with random ones.

    Raises:
        ConfigError: it cannot be built, or would have to be downloaded.
    """
    settings = configuration["model_cfg"]
    if "hf_model_name" in settings.get("text_cfg", {}):
        raise ConfigError(
            "this model's text tower would be downloaded from the hub by open_clip; "
            "use a model whose two towers are its own"
        )
    settings = {name: value for name, value in settings.items() if name != "custom_text"}
    if "timm_model_name" in settings["vision_cfg"]:
        settings["vision_cfg"] = {**settings["vision_cfg"], "timm_model_pretrained": False}
    if "multimodal_cfg" in settings:
        kind: Any = open_clip.CoCa
    else:
        own = configuration["model_cfg"].get("custom_text")
        kind = open_clip.CustomTextCLIP if own else open_clip.CLIP
    try:
        return built(lambda: kind(**settings), random=random)
    except (ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise ConfigError(f"open_clip cannot build the model: {error}") from error


def engine_of(model: Any) -> TorchEngine:
    """The two towers of a network."""
    return TorchEngine(Encoder(model, _encode_image), Encoder(model, _encode_text))


def preprocess_of(configuration: Mapping[str, Any]) -> Preprocess:
    """How the model wants its pictures.

    Raises:
        ConfigError: in a way that is not offered here.
    """
    given = configuration.get("preprocess_cfg") or {}
    side = given.get("size") or configuration["model_cfg"]["vision_cfg"].get("image_size", 224)
    if isinstance(side, list | tuple):
        if len(set(side[-2:])) != 1:
            raise ConfigError(f"the model wants pictures of {side}; only squares are offered here")
        side = side[-1]
    fits = {"shortest": "crop", "squash": "squash"}
    fit = given.get("resize_mode") or "shortest"
    return Preprocess.from_dict(
        {
            "side": side,
            "mean": given.get("mean") or CLIP_MEAN,
            "std": given.get("std") or CLIP_STD,
            "fit": fits.get(fit, fit),
            "filter": given.get("interpolation") or "bicubic",
        }
    )


def weights_file(weights: Weights) -> Path:
    """The one file of weights.

    Raises:
        ConfigError: there is none, or several, or only pickles.
    """
    found = [path for name, path in weights.files.items() if name.endswith(".safetensors")]
    if len(found) == 1:
        return found[0]
    for name, path in weights.files.items():
        if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl")):
            check_safetensors(path)
    raise ConfigError(
        f"{weights.model} has {len(found)} files of safetensors; expected one with both towers"
    )


def configuration(weights: Weights, architecture: str | None = None) -> dict[str, Any]:
    """What the files, or the architecture's name, say of the network and its pictures.

    Raises:
        ConfigError: neither says it.
    """
    name = architecture or _KNOWN.get(weights.model)
    if CONFIG in weights.files and architecture is None:
        data = read_json(weights.files[CONFIG].read_bytes(), CONFIG)
        settings = data.get("model_cfg")
        if not isinstance(settings, dict) or "vision_cfg" not in settings:
            raise ConfigError(f"{CONFIG} describes no model; pull the model again")
        return data
    if name is None:
        raise ConfigError(
            f"{weights.model} has no {CONFIG}, so its architecture is not known; "
            "pull that file as well, or name the architecture"
        )
    return architecture_of(name)


def _width(configuration: Mapping[str, Any]) -> int:
    width = configuration["model_cfg"].get("embed_dim")
    if type(width) is not int or width < 1:
        raise ConfigError(f"{CONFIG} states a width of {width}; expected a number above 0")
    return width


def _tokenizer(configuration: Mapping[str, Any], files: Mapping[str, Path]) -> Tokenizer:
    settings = configuration["model_cfg"].get("text_cfg") or {}
    context = settings.get("context_length", 77)
    given = settings.get("tokenizer_kwargs") or {}
    hub = "hf_tokenizer_name" in settings
    how = given.get("clean", "whitespace" if hub else "lower")
    if set(given) - {"clean"} or how not in _CLEAN:
        raise ConfigError(
            f"the model wants its texts in a way that is not offered here ({given}); "
            "use another model"
        )
    if not hub:
        return ClipTokenizer.bundled(context=context, how=how)
    if "tokenizer.json" not in files:
        raise ConfigError("the model's vocabulary is missing; pull its tokenizer.json as well")
    data = files["tokenizer.json"].read_bytes()
    other = files.get("tokenizer_config.json")
    settings = read_json(other.read_bytes(), other.name) if other else None
    pad = padding_token(read_json(data, "tokenizer.json"), settings)
    return HubTokenizer(data, pad=pad, context=context, how=how)


def _engine(configuration: str, path: Path) -> TorchEngine:
    model = make_model(json.loads(configuration))
    state = {name: _shaped(model, name, tensor) for name, tensor in read_state(path).items()}
    fill(model, state, path.name)
    return engine_of(model)


def _shaped(model: Any, name: str, tensor: Any) -> Any:
    """Some files hold the logits' scale and bias as a list of one."""
    if name in ("logit_scale", "logit_bias") and hasattr(model, name):
        return tensor.reshape(getattr(model, name).shape)
    return tensor


def _encode_image(model: Any, pixels: torch.Tensor) -> Any:
    return model.encode_image(pixels)


def _encode_text(model: Any, tokens: torch.Tensor) -> Any:
    return model.encode_text(tokens)
