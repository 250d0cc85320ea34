"""Writes an ONNX file by hand: the few messages of its protocol buffer that the hand models need.

So the package `onnx` is needed neither to convert the models nor to run them.

Source: onnx/onnx.proto3 (field numbers), https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def tensor(name: str, values: NDArray[Any]) -> bytes:
    """One `TensorProto`, float32 or int64."""
    kind = _TENSOR_TYPE[values.dtype.name]
    shape = b"".join(_integer(1, side) for side in values.shape)
    raw = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    return shape + _integer(2, kind) + _text(8, name) + _bytes(9, raw)


def value(name: str, shape: Sequence[int | str]) -> bytes:
    """One float32 `ValueInfoProto`; a word in the shape names a free dimension."""
    sides = b"".join(
        _bytes(1, _text(2, side) if isinstance(side, str) else _integer(1, side)) for side in shape
    )
    return _text(1, name) + _bytes(2, _bytes(1, _integer(1, _FLOAT) + _bytes(2, sides)))


def model(
    nodes: Iterable[bytes],
    tensors: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """The whole file."""
    graph = b"".join(
        [_bytes(1, n) for n in nodes]
        + [_text(2, "graph")]
        + [_bytes(5, t) for t in tensors]
        + [_bytes(11, i) for i in inputs]
        + [_bytes(12, o) for o in outputs]
    )
    return _integer(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _integer(2, OPSET))


def _attribute(name: str, given: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(given, str):
        return head + _text(4, given) + _integer(20, 3)
    if isinstance(given, float):
        return head + _varint(2 << 3 | 5) + np.float32(given).tobytes() + _integer(20, 1)
    if isinstance(given, int):
        return head + _integer(3, given) + _integer(20, 2)
    return head + b"".join(_integer(8, each) for each in given) + _integer(20, 7)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _integer(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number & (1 << 64) - 1)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
