"""The image features that detectors share: middle layers of a DINOv2 ViT-S/14.

Middle layers and not the last one, which knows what is shown rather than how it was made: measured
in models/pixels/card.md. The network comes from a PyPI package, with another head on top; the graph
is cut at the layers that are used, so the rest costs nothing. Source of the architecture: Oquab et
al., "DINOv2", 2023.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.errors import ConfigError
from provenance.weights.store import Store

if TYPE_CHECKING:
    from PIL import Image

MODEL = "dinov2-vit-s-14"
"""Its name in the catalogue of weights."""

SIDE = 224
"""Pixels a side that the network takes."""

LAYERS = (3, 5)
"""Blocks whose outputs are used, of 0 to 11; nothing after the last of them is computed."""

WIDTH = 3 * 384 * len(LAYERS)
"""Numbers in the features of a picture: class token, mean and spread of the patches, by layer."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, as DINOv2 was trained."""

_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Field numbers in onnx.proto: ModelProto.graph, GraphProto.output, ValueInfoProto.name."""


class Backbone:
    """Turns pictures into features. Thread-safe; loaded once in a process, at the first call."""

    def __init__(self) -> None:
        self._session = PerProcess(_session)

    def features(self, views: Sequence[Image.Image]) -> NDArray[np.float32]:
        """One row of `WIDTH` numbers for each view.

        Args:
            views: RGB, `SIDE`×`SIDE`.

        Raises:
            WeightsMissing: the network is not on this machine.
        """
        pixels = np.stack([np.asarray(view, np.float32) for view in views]) / 255.0
        batch = ((pixels - _MEAN) / _SPREAD).transpose(0, 3, 1, 2)
        session = self._session()
        layers = session.run(None, {"input_image": np.ascontiguousarray(batch)})
        parts = [
            part
            for tokens in layers
            for part in (tokens[:, 0], tokens[:, 1:].mean(axis=1), tokens[:, 1:].std(axis=1))
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def _session() -> Any:
    import onnxruntime

    path = Store.standard().get(MODEL).files["vit_s_focus.onnx"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a second one spins while it waits
    options.log_severity_level = 3
    names = [f"/backbone/encoder/layer.{layer}/Add_1_output_0" for layer in LAYERS]
    graph = with_outputs(path.read_bytes(), names)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """An ONNX model that gives these tensors instead of its own outputs.

    Only the list of outputs is rewritten, so the package `onnx` is not needed; the runtime leaves
    out whatever no output depends on.

    Raises:
        ConfigError: it is no ONNX model.
    """
    try:
        return b"".join(_rewritten(memoryview(model), names))
    except (IndexError, ValueError) as error:
        raise ConfigError("the model's file is damaged; pull it again") from error


def _rewritten(model: memoryview, names: Sequence[str]) -> Iterator[bytes | memoryview]:
    found = False
    for number, raw, body in _fields(model):
        if number != _GRAPH or body is None:
            yield raw
            continue
        found = True
        kept: list[bytes | memoryview] = [r for n, r, _ in _fields(body) if n != _OUTPUT]
        kept += [_field(_OUTPUT, _field(_NAME, name.encode())) for name in names]
        yield _field(_GRAPH, b"".join(kept))
    if not found:
        raise ValueError("no graph")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview, memoryview | None]]:
    """Number, whole field, and content where it has a length (protobuf encoding, wire types)."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 2:
            size, at = _varint(data, at)
            end = at + size
            body: memoryview | None = data[at:end]
        elif kind in (0, 1, 5):
            end = _varint(data, at)[1] if kind == 0 else at + (8 if kind == 1 else 4)
            body = None
        else:
            raise ValueError(f"wire type {kind}")
        if end > len(data):
            raise ValueError("cut short")
        yield key >> 3, data[start:end], body
        at = end


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _field(number: int, body: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(body)) + body


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
