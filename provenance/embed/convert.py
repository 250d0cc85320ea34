"""Renames open_clip's weights for transformers: the same numbers under other names.

Both libraries hold the networks of CLIP (https://github.com/openai/CLIP) and SigLIP
(https://github.com/google-research/big_vision). Queries, keys and values are one tensor in
open_clip and three in transformers; projections are transposed. Tensors are sliced, never computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.errors import ConfigError

State = dict[str, Any]

_CLIP = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre": "vision_model.pre_layrnorm",
    "visual.ln_post": "vision_model.post_layernorm",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final": "text_model.final_layer_norm",
}
_SIGLIP = {
    "visual.trunk.patch_embed.proj": "vision_model.embeddings.patch_embedding",
    "visual.trunk.norm": "vision_model.post_layernorm",
    "visual.trunk.attn_pool.norm": "vision_model.head.layernorm",
    "visual.trunk.attn_pool.mlp": "vision_model.head.mlp",
    "visual.trunk.attn_pool.proj": "vision_model.head.attention.out_proj",
    "text.token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "text.positional_embedding": "text_model.embeddings.position_embedding.weight",
    "text.ln_final": "text_model.final_layer_norm",
    "text.text_projection": "text_model.head",
}
_BLOCK = {
    "ln_1": "layer_norm1", "norm1": "layer_norm1", "ln_2": "layer_norm2", "norm2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj", "attn.proj": "self_attn.out_proj",
}  # fmt: skip
_BLOCKS = {
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "visual.trunk.blocks.": "vision_model.encoder.layers.",
    "transformer.resblocks.": "text_model.encoder.layers.",
    "text.transformer.resblocks.": "text_model.encoder.layers.",
}
_JOINT = ("attn.in_proj_weight", "attn.in_proj_bias", "attn.qkv.weight", "attn.qkv.bias")

_HEADS = {768: 12, 1024: 16, 1152: 16, 1536: 16}
"""By width, of SigLIP's picture towers; timm, `vision_transformer.py`."""


def renamed(state: Mapping[str, Any]) -> State:
    """The weights under the names of transformers' `CLIPModel` or `SiglipModel`.

    Raises:
        ConfigError: a tensor is neither CLIP's nor SigLIP's.
    """
    found: State = {}
    siglip = any(name.startswith("visual.trunk.") for name in state)
    for name, tensor in state.items():
        if name in ("logit_scale", "logit_bias"):
            found[name] = tensor.reshape(1) if siglip else tensor.reshape(())
        elif name == "visual.proj":
            found["visual_projection.weight"] = tensor.T.contiguous()
        elif name == "text_projection":
            found["text_projection.weight"] = tensor.T.contiguous()
        elif name.startswith("visual.trunk.") and name.rpartition(".")[2] == "pos_embed":
            found["vision_model.embeddings.position_embedding.weight"] = tensor[0]
        elif name == "visual.trunk.attn_pool.latent":
            found["vision_model.head.probe"] = tensor
        elif name.startswith("visual.trunk.attn_pool.") and name.split(".")[3] in ("q", "kv"):
            continue  # joined below
        else:
            found |= _block(name, tensor) or _plain(name, tensor, _SIGLIP if siglip else _CLIP)
    if siglip:
        found |= _pool(state)
    return found


def configuration(given: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that transformers has for the same network.

    Args:
        given: open_clip's, `model_cfg`.
        state: its weights, whose shapes tell the rest.

    Raises:
        ConfigError: the network is neither CLIP's vision transformer nor SigLIP.
    """
    text, vision = given["text_cfg"], given["vision_cfg"]
    words = {
        "vocab_size": text["vocab_size"],
        "max_position_embeddings": text["context_length"],
        "hidden_size": text["width"],
        "intermediate_size": 4 * text["width"],
        "num_attention_heads": text["heads"],
        "num_hidden_layers": text["layers"],
    }
    if "siglip" in str(vision.get("timm_model_name")):
        return _siglip(given, state, words)
    if "visual.conv1.weight" not in state or "visual.class_embedding" not in state:
        raise ConfigError(
            "transformers has no place for this model's weights: neither CLIP's vision transformer "
            "nor SigLIP; use open_clip for it"
        )
    act = "quick_gelu" if given.get("quick_gelu") else "gelu"
    width = vision["width"]
    return {
        "model_type": "clip",
        "projection_dim": given["embed_dim"],
        "text_config": {
            **words,
            "hidden_act": act,
            "projection_dim": given["embed_dim"],
            "bos_token_id": words["vocab_size"] - 2,
            "eos_token_id": words["vocab_size"] - 1,
        },
        "vision_config": {
            "hidden_size": width,
            "intermediate_size": state["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            "num_attention_heads": width // vision.get("head_width", 64),
            "num_hidden_layers": vision["layers"],
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "hidden_act": act,
            "projection_dim": given["embed_dim"],
        },
    }


def _siglip(
    given: Mapping[str, Any], state: Mapping[str, Any], words: dict[str, Any]
) -> dict[str, Any]:
    patches = state["visual.trunk.patch_embed.proj.weight"]
    width = patches.shape[0]
    tanh = given["text_cfg"].get("act_kwargs", {}).get("approximate") == "tanh"
    blocks = {name.split(".")[3] for name in state if name.startswith("visual.trunk.blocks.")}
    return {
        "model_type": "siglip",
        "text_config": {
            **words,
            "bos_token_id": None,
            "eos_token_id": None,
            "hidden_act": "gelu_pytorch_tanh" if tanh else "gelu",
            "intermediate_size": state["text.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            "projection_size": given["embed_dim"],
        },
        "vision_config": {
            "hidden_size": width,
            "intermediate_size": state["visual.trunk.blocks.0.mlp.fc1.weight"].shape[0],
            "num_attention_heads": _HEADS[width],
            "num_hidden_layers": len(blocks),
            "image_size": given["vision_cfg"]["image_size"],
            "patch_size": patches.shape[-1],
            "hidden_act": "gelu",
        },
    }


def _block(name: str, tensor: Any) -> State:
    """A tensor of one of the equal blocks; nothing if it is of none."""
    prefix = next((p for p in _BLOCKS if name.startswith(p)), None)
    if prefix is None:
        return {}
    number, _, rest = name.removeprefix(prefix).partition(".")
    place = f"{_BLOCKS[prefix]}{number}."
    kind = "bias" if rest.endswith("bias") else "weight"
    if rest in _JOINT:
        third = tensor.shape[0] // 3
        return {
            f"{place}self_attn.{part}_proj.{kind}": tensor[at * third : (at + 1) * third]
            for at, part in enumerate("qkv")
        }
    stem = _BLOCK.get(rest.rpartition(".")[0])
    if stem is None:
        raise ConfigError(f"transformers has no place for the tensor {name}; use open_clip for it")
    return {f"{place}{stem}.{kind}": tensor}


def _plain(name: str, tensor: Any, names: Mapping[str, str]) -> State:
    if name in names:
        return {names[name]: tensor}
    for old, new in names.items():
        if name.startswith(old + "."):
            return {new + name.removeprefix(old): tensor}
    raise ConfigError(f"transformers has no place for the tensor {name}; use open_clip for it")


def _pool(state: Mapping[str, Any]) -> State:
    """The queries, keys and values of SigLIP's pooling, joined."""
    found: State = {}
    for kind in ("weight", "bias"):
        q, kv = (state[f"visual.trunk.attn_pool.{part}.{kind}"] for part in ("q", "kv"))
        joint = kv.new_empty((q.shape[0] + kv.shape[0], *q.shape[1:]))
        joint[: q.shape[0]], joint[q.shape[0] :] = q, kv
        found[f"vision_model.head.attention.in_proj_{kind}"] = joint
    return found
