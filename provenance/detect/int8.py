"""A network of ONNX cut at some of its tensors, with its large products in whole numbers of 8 bits.

Weights take one scale for each output column and 7 of the 8 bits, so that sums cannot overflow on
processors without VNNI (ONNX Runtime's advice); activations get theirs by tensor, at run time.
Slicing, dividing and rounding are exact in every IEEE 754 arithmetic, so the same file gives the
same bytes on every machine, and their SHA-256 can be pinned.

Source: ONNX operators DynamicQuantizeLinear and MatMulInteger, in the pattern that ONNX Runtime
fuses into one kernel.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.detect.protobuf import fields, integer, message, whole
from provenance.errors import ConfigError

_GRAPH = 7
"""ModelProto."""

_NODE, _TENSOR, _INPUT, _OUTPUT, _VALUE = 1, 5, 11, 12, 13
"""GraphProto; the last is what is known of shapes, which nothing needs."""

_FLOAT, _INT8 = 1, 3
"""TensorProto.DataType."""

_STEPS = 63
"""Of each sign: 7 bits."""


@dataclass(frozen=True, slots=True)
class _Node:
    raw: memoryview
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def cut(model: bytes | memoryview, outputs: Sequence[str]) -> bytes:
    """A model that gives these tensors, and holds nothing that they do not depend on.

    Raises:
        ConfigError: it is no ONNX model, or has no such tensor.
    """
    return _rewritten(model, outputs, quantised=False)


def quantised(model: bytes | memoryview, outputs: Sequence[str]) -> bytes:
    """The same, with every product by a matrix of weights in whole numbers.

    Raises:
        ConfigError: it is no ONNX model, or has no such tensor.
    """
    return _rewritten(model, outputs, quantised=True)


def _rewritten(model: bytes | memoryview, outputs: Sequence[str], *, quantised: bool) -> bytes:
    try:
        parts = list(fields(memoryview(model)))
        (graph,) = [body for number, _, body in parts if number == _GRAPH and body is not None]
        written = _graph(graph, outputs, quantised)
    except (IndexError, ValueError, KeyError) as error:
        raise ConfigError("the model's file is damaged or another one; pull it again") from error
    return b"".join(message(_GRAPH, written) if n == _GRAPH else raw for n, raw, _ in parts)


def _graph(graph: memoryview, outputs: Sequence[str], quantise: bool) -> bytes:
    nodes: list[_Node] = []
    tensors: dict[str, memoryview] = {}
    given: list[memoryview] = []
    for number, raw, body in fields(graph):
        if number == _NODE and body is not None:
            nodes.append(_node(body))
        elif number == _TENSOR and body is not None:
            tensors[_text(body, 8)] = body
        elif number == _INPUT and body is not None and _text(body, 1) not in tensors:
            given.append(raw)
    needed = _needed(nodes, outputs)
    if not set(outputs) <= needed:
        raise KeyError("no such tensor")
    written: list[bytes | memoryview] = []
    made: dict[str, bytes] = {}
    shared: set[str] = set()
    for node in nodes:
        if not needed.intersection(node.outputs):
            continue
        weights = _matrix(tensors, node) if quantise else None
        if weights is None:
            written.append(message(_NODE, node.raw))
        else:
            written += _product(node, weights, made, shared)
    kept = {name: body for name, body in tensors.items() if name in needed and name not in made}
    if quantise:  # a matrix that became whole numbers is needed no more
        used = {name for node in nodes if needed.intersection(node.outputs) for name in node.inputs}
        replaced = {name.removesuffix(_SMALL) for name in made if name.endswith(_SMALL)}
        kept = {name: body for name, body in kept.items() if name in used - replaced}
    written += [message(_TENSOR, body) for body in (*kept.values(), *made.values())]
    written += given
    written += [message(_OUTPUT, message(1, name.encode())) for name in outputs]
    return b"".join(written)


_SMALL, _SCALE = ".int8", ".scale"


def _needed(nodes: Sequence[_Node], outputs: Sequence[str]) -> set[str]:
    """Every tensor that these depend on, themselves included."""
    maker = {name: node for node in nodes for name in node.outputs}
    found: set[str] = set()
    ahead = [name for name in outputs if name in maker]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += maker[name].inputs if name in maker else ()
    return found


def _matrix(tensors: dict[str, memoryview], node: _Node) -> NDArray[np.float32] | None:
    """The weights that the node multiplies by, if that is what it does."""
    if node.operator != "MatMul" or node.inputs[1] not in tensors:
        return None
    shape: list[int] = []
    kind, raw = 0, None
    for number, field, body in fields(tensors[node.inputs[1]]):
        if number == 1:
            shape += [integer(field)] if body is None else _packed(body)
        elif number == 2:
            kind = integer(field)
        elif number == 9:
            raw = body
    if kind != _FLOAT or raw is None or len(shape) != 2:
        return None
    return np.frombuffer(raw, "<f4").reshape(shape)


def _packed(body: memoryview) -> list[int]:
    from provenance.detect.protobuf import varint

    found, at = [], 0
    while at < len(body):
        value, at = varint(body, at)
        found.append(value)
    return found


def _product(
    node: _Node, weights: NDArray[np.float32], made: dict[str, bytes], shared: Collection[str]
) -> list[bytes]:
    """The nodes that replace a product; the tensors that they need go to `made`."""
    left, right = node.inputs
    result = node.outputs[0]
    scale = np.abs(weights).max(axis=0) / np.float32(_STEPS)
    scale[scale == 0] = 1
    whole_numbers = np.rint(weights / scale).astype(np.int8)
    made[right + _SMALL] = _tensor(right + _SMALL, whole_numbers, _INT8)
    made[right + _SCALE] = _tensor(right + _SCALE, scale, _FLOAT)
    found = []
    bits = [left + ".bits", left + ".step", left + ".zero"]
    if left not in shared:
        shared.add(left)  # type: ignore[attr-defined]
        found.append(_operator("DynamicQuantizeLinear", [left], bits))
    sums, floats, steps = (result + end for end in (".sums", ".floats", ".steps"))
    return [
        *found,
        _operator("MatMulInteger", [bits[0], right + _SMALL, bits[2]], [sums]),
        _operator("Cast", [sums], [floats], _attribute("to", _FLOAT)),
        _operator("Mul", [bits[1], right + _SCALE], [steps]),
        _operator("Mul", [floats, steps], [result]),
    ]
