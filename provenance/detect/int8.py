"""A network of ONNX cut at some of its tensors, with its large products in whole numbers of 8 bits.

Weights take one scale for each output column and 7 of the 8 bits, so that sums cannot overflow on
processors without VNNI (ONNX Runtime's advice); activations get theirs by tensor, at run time.
Slicing, dividing and rounding are exact in IEEE 754 arithmetic, so the same file gives the same
bytes on every machine, and their SHA-256 can be pinned.

Source: ONNX operators DynamicQuantizeLinear and MatMulInteger, in the pattern that ONNX Runtime
fuses into one kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.detect.protobuf import fields, integer, message, packed, whole
from provenance.errors import ConfigError

_GRAPH = 7
"""ModelProto."""

_NODE, _TENSOR, _INPUT, _OUTPUT = 1, 5, 11, 12
"""GraphProto."""

_FLOAT, _INT8 = 1, 3
"""TensorProto.DataType."""

_STEPS = 63
"""Of each sign: 7 bits."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One operation: the whole message, and what is asked of it here."""

    body: bytes | memoryview
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
    return _rewritten(model, outputs, in_whole_numbers=False)


def quantised(model: bytes | memoryview, outputs: Sequence[str]) -> bytes:
    """The same, with every product by a matrix of weights in whole numbers.

    Raises:
        ConfigError: it is no ONNX model, or has no such tensor.
    """
    return _rewritten(model, outputs, in_whole_numbers=True)


def _rewritten(
    model: bytes | memoryview, outputs: Sequence[str], *, in_whole_numbers: bool
) -> bytes:
    try:
        parts = list(fields(memoryview(model)))
        (body,) = [body for number, _, body in parts if number == _GRAPH and body is not None]
        graph = _read(body)
        if in_whole_numbers:
            graph = _quantised(graph)
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
            graph.nodes.append(_node(content))
        elif number == _TENSOR:
            graph.tensors[_texts(content, 8)[0]] = content
        elif number == _INPUT:
            graph.inputs.append(raw)
    return graph


def _written(graph: _Graph, outputs: Sequence[str]) -> bytes:
    """The graph's message, with these outputs and only what they need."""
    maker = {name: node for node in graph.nodes for name in node.outputs}
    needed: set[str] = set()
    ahead = [*outputs]
    if not set(ahead) <= maker.keys():
        raise KeyError(ahead)
    while ahead:
        name = ahead.pop()
        if name not in needed:
            needed.add(name)
            ahead += maker[name].inputs if name in maker else ()
    nodes = [node.body for node in graph.nodes if needed.intersection(node.outputs)]
    tensors = [tensor for name, tensor in graph.tensors.items() if name in needed]
    return b"".join(
        [message(_NODE, node) for node in nodes]
        + [message(_TENSOR, tensor) for tensor in tensors]
        + [bytes(raw) for raw in graph.inputs]
        + [message(_OUTPUT, message(1, name.encode())) for name in outputs]
    )


def _quantised(graph: _Graph) -> _Graph:
    nodes: list[_Node] = []
    tensors = dict(graph.tensors)
    rounded: set[str] = set()
    for node in graph.nodes:
        weights = _matrix(graph.tensors, node)
        if weights is None:
            nodes.append(node)
            continue
        left, right = node.inputs
        if left not in rounded:  # queries, keys and values are made from the same one
            rounded.add(left)
            nodes.append(_operator("DynamicQuantizeLinear", [left], _bits(left)))
        scale = np.abs(weights).max(axis=0) / np.float32(_STEPS)
        scale[scale == 0] = 1  # also of columns so faint that a step would be nothing
        tensors[f"{right}.int8"] = _tensor(f"{right}.int8", np.rint(weights / scale), _INT8)
        tensors[f"{right}.scale"] = _tensor(f"{right}.scale", scale, _FLOAT)
        nodes += _product(left, right, node.outputs[0])
    return _Graph(nodes, tensors, graph.inputs)


def _bits(name: str) -> list[str]:
    """An activation in 8 bits: the numbers, the size of a step, and which of them is zero."""
    return [f"{name}.bits", f"{name}.step", f"{name}.zero"]


def _product(left: str, right: str, result: str) -> list[_Node]:
    bits, step, zero = _bits(left)
    sums, floats, steps = (f"{result}.{end}" for end in ("sums", "floats", "steps"))
    to_float = message(1, b"to") + whole(3, _FLOAT) + whole(20, 2)
    return [
        _operator("MatMulInteger", [bits, f"{right}.int8", zero], [sums]),
        _operator("Cast", [sums], [floats], to_float),
        _operator("Mul", [step, f"{right}.scale"], [steps]),
        _operator("Mul", [floats, steps], [result]),
    ]


def _matrix(tensors: dict[str, bytes | memoryview], node: _Node) -> NDArray[np.float32] | None:
    """The weights that the node multiplies by, if that is what it does."""
    if node.operator != "MatMul" or node.inputs[1] not in tensors:
        return None
    shape: list[int] = []
    kind, raw = 0, None
    for number, field, body in fields(memoryview(tensors[node.inputs[1]])):
        if number == 1:
            shape += [integer(field)] if body is None else packed(body)
        elif number == 2:
            kind = integer(field)
        elif number == 9:
            raw = body
    if kind != _FLOAT or raw is None or len(shape) != 2:
        return None
    weights = np.frombuffer(raw, "<f4").reshape(shape)
    if not weights.size or not np.isfinite(weights).all():
        raise ValueError("weights that are no numbers")
    return weights


def _node(body: memoryview) -> _Node:
    (operator,) = _texts(body, 4)
    return _Node(body, operator, tuple(_texts(body, 1)), tuple(_texts(body, 2)))


def _texts(body: memoryview, wanted: int) -> list[str]:
    return [bytes(c).decode() for n, _, c in fields(body) if n == wanted and c is not None]


def _operator(name: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> _Node:
    body = b"".join(
        [message(1, each.encode()) for each in inputs]
        + [message(2, each.encode()) for each in outputs]
        + [message(4, name.encode())]
        + ([message(5, attribute)] if attribute else [])
    )
    return _Node(body, name, tuple(inputs), tuple(outputs))


def _tensor(name: str, values: NDArray[np.float32], kind: int) -> bytes:
    stored = values.astype("<f4" if kind == _FLOAT else np.int8)
    shape = b"".join(whole(1, side) for side in stored.shape)
    return shape + whole(2, kind) + message(8, name.encode()) + message(9, stored.tobytes())
