"""The image features that detectors share: middle layers of a DINOv2 ViT-S/14.

Middle layers and not the last one, which knows what is shown rather than how it was made: measured
in models/pixels/card.md. The network comes from a PyPI package, with another head on top; it is cut
at the layers that are used and its products are turned into whole numbers when it is loaded, in a
tenth of a second. Source of the architecture: Oquab et al., "DINOv2", 2023.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.detect.int8 import cut, quantised
from provenance.errors import ConfigError
from provenance.weights.store import Store

if TYPE_CHECKING:
    from PIL import Image

with_outputs = cut
"""Under its former name, for whoever needs other outputs of another network."""

MODEL = "dinov2-vit-s-14"
"""Its name in the catalogue of weights."""

SIDE = 224
"""Pixels a side that the network takes."""

LAYERS = (3, 5)
"""Blocks whose outputs are used, of 0 to 11; nothing after the last of them is kept."""

WIDTH = 3 * 384 * len(LAYERS)
"""Numbers in the features of a picture: class token, mean and spread of the patches, by layer."""

SHA256 = "b5a0450e3f2fbae0115f17bf038bddf9fc887874e049f4ec0740a33bb6af35f6"
"""Of the network as it is used: cut, and in whole numbers. The detectors' heads were measured on
this one."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, as DINOv2 was trained."""


class Backbone:
    """Turns pictures into features. Thread-safe; loaded once in a process, at the first call.

    Args:
        exact: in single precision, to compare with; detectors use whole numbers, which take less
            than half the time.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self._session = PerProcess(_exact if exact else _whole)

    def features(self, views: Sequence[Image.Image]) -> NDArray[np.float32]:
        """One row of `WIDTH` numbers for each view, which depends on that view alone.

        Args:
            views: RGB, `SIDE`×`SIDE`.

        Raises:
            WeightsMissing: the network is not on this machine.
            ConfigError: its file is not the one that the detectors were measured with.
        """
        session = self._session()
        return np.stack([_pooled(session.run(None, {"input_image": _input(v)})) for v in views])


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


def _whole() -> Any:
    graph = quantised(_file(), _outputs())
    if hashlib.sha256(graph).hexdigest() != SHA256:
        raise ConfigError(
            f"the network made from {MODEL} is not the one that the detectors were measured with; "
            "please report this as a bug"
        )
    return _session(graph)


def _exact() -> Any:
    return _session(cut(_file(), _outputs()))


def _file() -> bytes:
    return Store.standard().get(MODEL).files["vit_s_focus.onnx"].read_bytes()


def _outputs() -> list[str]:
    return [f"/backbone/encoder/layer.{layer}/Add_1_output_0" for layer in LAYERS]


def _session(graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a second one spins while it waits
    options.log_severity_level = 3
    # With a known batch the runtime works out once what depends on the picture's size alone; and
    # activations take their scale by tensor, so a batch would mix pictures.
    options.add_free_dimension_override_by_name("batch_size", 1)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
