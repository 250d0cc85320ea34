"""A network of ONNX cut at some of its tensors, and its 8-bit weights brought to 7 bits.

A product of 8-bit activations with 8-bit weights overflows on processors without VNNI, and the same
picture would look another way there; with 7 bits it cannot (ONNX Runtime's advice). Slicing,
dividing and rounding are exact in IEEE 754 arithmetic, so the same file gives the same bytes on
every machine, and their SHA-256 can be pinned.

Source: ONNX operator MatMulInteger, as ONNX Runtime's `quantize_dynamic` writes it: weights
`X_quantized` with one scale for each output column in `X_scale`, and no zero point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.protobuf import fields, integer, message, packed, whole
from provenance.errors import ConfigError

_GRAPH = 7
"""ModelProto."""

_NODE, _TENSOR, _INPUT, _OUTPUT = 1, 5, 11, 12
"""GraphProto."""

_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 3: np.dtype("i1")}
"""TensorProto.DataType: those that are read here."""

_STEPS = 63
"""Of each sign: 7 bits."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One operation: the whole message, and what is asked of it here."""

    body: memoryview
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Graph:
    """The parts of a graph that are kept; tensors by name."""

    nodes: list[_Node]
    tensors: dict[str, bytes | memoryview]
    inputs: list[memoryview]


def cut(model: bytes | memoryview, outputs: Sequence[str]) -> bytes:
    """A model that gives these tensors, and holds nothing that they do not depend on.

    Raises:
        ConfigError: it is no ONNX model, or has no such tensor.
    """
    return _rewritten(model, outputs, narrow=False)


def narrowed(model: bytes | memoryview, outputs: Sequence[str]) -> bytes:
    """The same, with all 8-bit weights in 7 bits.

    Raises:
        ConfigError: it is no ONNX model, has no such tensor, or was quantised in another way.
    """
    return _rewritten(model, outputs, narrow=True)


def _rewritten(model: bytes | memoryview, outputs: Sequence[str], *, narrow: bool) -> bytes:
    try:
        parts = list(fields(memoryview(model)))
        (body,) = [body for number, _, body in parts if number == _GRAPH and body is not None]
        graph = _cut(_read(body), outputs)
        if narrow:
            _narrow(graph)
        written = _written(graph, outputs)
    except (IndexError, ValueError, KeyError) as error:
        raise ConfigError("the model's file is damaged or another one; pull it again") from error
    return b"".join(message(_GRAPH, written) if n == _GRAPH else bytes(raw) for n, raw, _ in parts)


def _read(body: memoryview) -> _Graph:
    graph = _Graph([], {}, [])
    for number, raw, content in fields(body):
        if content is None:
            continue
        if number == _NODE:
            (operator,) = _texts(content, 4)
            ends = tuple(_texts(content, 1)), tuple(_texts(content, 2))
            graph.nodes.append(_Node(content, operator, *ends))
        elif number == _TENSOR:
            graph.tensors[_texts(content, 8)[0]] = content
        elif number == _INPUT:
            graph.inputs.append(raw)
    return graph


def _cut(graph: _Graph, outputs: Sequence[str]) -> _Graph:
    """Only what these outputs need."""
    maker = {name: node for node in graph.nodes for name in node.outputs}
    if not set(outputs) <= maker.keys():
        raise KeyError(outputs)
    needed: set[str] = set()
    ahead = [*outputs]
    while ahead:
        name = ahead.pop()
        if name not in needed:
            needed.add(name)
            ahead += maker[name].inputs if name in maker else ()
    nodes = [node for node in graph.nodes if needed.intersection(node.outputs)]
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed}
    return _Graph(nodes, tensors, graph.inputs)


def _narrow(graph: _Graph) -> None:
    for node in graph.nodes:
        if node.operator != "MatMulInteger" or node.inputs[1] not in graph.tensors:
            continue
        stem = node.inputs[1].removesuffix("_quantized")
        weights = _numbers(graph.tensors[f"{stem}_quantized"], 3)
        scale = _numbers(graph.tensors[f"{stem}_scale"], 1)
        zero = _numbers(graph.tensors[f"{stem}_zero_point"], 3)
        if weights.ndim != 2 or scale.shape != weights.shape[1:] or zero.any():
            raise ValueError("weights that were quantised in another way")
        with np.errstate(over="ignore"):
            exact = weights * scale
        if not exact.size or not np.isfinite(exact).all():
            raise ValueError("weights that are no numbers")
        wider = np.abs(exact).max(axis=0) / np.float32(_STEPS)
        wider[wider == 0] = 1
        small = np.rint(exact / wider).astype(np.int8)
        graph.tensors[f"{stem}_quantized"] = _tensor(f"{stem}_quantized", small, 3)
        graph.tensors[f"{stem}_scale"] = _tensor(f"{stem}_scale", wider, 1)


def _written(graph: _Graph, outputs: Sequence[str]) -> bytes:
    return b"".join(
        [message(_NODE, node.body) for node in graph.nodes]
        + [message(_TENSOR, tensor) for tensor in graph.tensors.values()]
        + [bytes(raw) for raw in graph.inputs]
        + [message(_OUTPUT, message(1, name.encode())) for name in outputs]
    )


def _numbers(tensor: bytes | memoryview, kind: int) -> NDArray[Any]:
    """The values of a tensor of that type."""
    shape: list[int] = []
    found, raw = 0, None
    for number, field, body in fields(memoryview(tensor)):
        if number == 1:
            shape += [integer(field)] if body is None else packed(body)
        elif number == 2:
            found = integer(field)
        elif number == 9 or (number == 4 and kind == 1):  # floats look the same in both
            raw = body
        elif number == 5 and body is not None:
            raw = memoryview(np.array(packed(body), np.uint64).astype(np.int8).tobytes())
    if found != kind or raw is None:
        raise ValueError(f"a tensor of type {found}, expected {kind}")
    values: NDArray[Any] = np.frombuffer(raw, _TYPES[kind]).reshape(shape)
    if not np.isfinite(values).all():
        raise ValueError("weights that are no numbers")
    return values


def _texts(body: memoryview, wanted: int) -> list[str]:
    return [bytes(c).decode() for n, _, c in fields(body) if n == wanted and c is not None]


def _tensor(name: str, values: NDArray[Any], kind: int) -> bytes:
    shape = b"".join(whole(1, side) for side in values.shape)
    raw = values.astype(_TYPES[kind]).tobytes()
    return shape + whole(2, kind) + message(8, name.encode()) + message(9, raw)
