"""Writes an ONNX file by hand: the few messages of its protocol buffer that the hand models need.

So the package `onnx` is needed neither to convert the models nor to run them.

Source: onnx/onnx.proto3 (field numbers), https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.protobuf import encoded, message, whole

IR_VERSION = 8
OPSET = 17

_FLOAT, _INT64 = 1, 7
_TENSOR_TYPE = {"float32": _FLOAT, "int64": _INT64}

Attribute = int | float | str | Sequence[int]


def node(
    operator: str, inputs: Iterable[str], output: str, attributes: Mapping[str, Attribute]
) -> bytes:
    """One `NodeProto` with a single output."""
    parts = [_text(1, name) for name in inputs]
    parts += [_text(2, output), _text(4, operator)]
    parts += [message(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def tensor(name: str, values: NDArray[Any]) -> bytes:
    """One `TensorProto`, float32 or int64."""
    kind = _TENSOR_TYPE[values.dtype.name]
    shape = b"".join(_integer(1, side) for side in values.shape)
    raw = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    return shape + _integer(2, kind) + _text(8, name) + message(9, raw)


def value(name: str, shape: Sequence[int | str]) -> bytes:
    """One float32 `ValueInfoProto`; a word in the shape names a free dimension."""
    sides = b"".join(
        message(1, _text(2, side) if isinstance(side, str) else _integer(1, side)) for side in shape
    )
    return _text(1, name) + message(2, message(1, _integer(1, _FLOAT) + message(2, sides)))


def model(
    nodes: Iterable[bytes],
    tensors: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """The whole file."""
    graph = b"".join(
        [message(1, n) for n in nodes]
        + [_text(2, "graph")]
        + [message(5, t) for t in tensors]
        + [message(11, i) for i in inputs]
        + [message(12, o) for o in outputs]
    )
    return (
        _integer(1, IR_VERSION) + message(7, graph) + message(8, _text(1, "") + _integer(2, OPSET))
    )


def _attribute(name: str, given: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(given, str):
        return head + _text(4, given) + _integer(20, 3)
    if isinstance(given, float):
        return head + encoded(2 << 3 | 5) + np.float32(given).tobytes() + _integer(20, 1)
    if isinstance(given, int):
        return head + _integer(3, given) + _integer(20, 2)
    return head + b"".join(_integer(8, each) for each in given) + _integer(20, 7)


def _text(field: int, text: str) -> bytes:
    return message(field, text.encode())


def _integer(field: int, number: int) -> bytes:
    return whole(field, number & (1 << 64) - 1)
