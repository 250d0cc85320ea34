"""Towers of real architectures whose weights nobody trained: for tests and for timing.

Their embeddings mean nothing, so their revision says `random`, and nothing looks for them by name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provenance.weights.interface import Weights

REVISION = "random"


def untrained_weights(
    architecture: str, folder: Path, *, seed: int = 0, change: dict[str, Any] | None = None
) -> Weights:
    """Write random weights of one of open_clip's architectures, in the layout that hubs use.

    Args:
        architecture: open_clip's name, such as `ViT-B-32`.
        folder: exists; gets `open_clip_config.json` and `open_clip_model.safetensors`.
        seed: of the weights.
        change: settings of the text tower that differ, such as a smaller `vocab_size`.

    Raises:
        ConfigError: open_clip has no such architecture.
    """
    import safetensors.torch
    import torch

    from provenance.embed import open_clip

    given = open_clip.architecture_of(architecture)
    given["model_cfg"]["text_cfg"].update(change or {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = open_clip.make_model(given, random=True).state_dict()
        for name, tensor in state.items():  # biases begin at zero, which hides a lost one
            if tensor.ndim == 1:
                state[name] = tensor + 0.02 * torch.randn(tensor.shape)
    config, weights = folder / open_clip.CONFIG, folder / "open_clip_model.safetensors"
    config.write_text(json.dumps(given))
    safetensors.torch.save_file({name: t.contiguous() for name, t in state.items()}, weights)
    files = {config.name: config.resolve(), weights.name: weights.resolve()}
    return Weights(f"{architecture}/untrained", REVISION, files, "CC0-1.0")
