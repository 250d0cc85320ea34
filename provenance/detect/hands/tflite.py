"""Reads a TensorFlow Lite file into plain Python: operators, shapes and weights. Runs nothing.

Only what the hand models use: one subgraph, dense float16 and float32 weights, int32 constants.
The files come from the store, which has checked their SHA-256; a damaged one is refused all the
same.

Source: the schema of TensorFlow Lite (tensorflow/compiler/mlir/lite/schema/schema.fbs), whose
field numbers are the constants below, and the layout of FlatBuffers
(https://flatbuffers.dev/internals/).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ConfigError

OPERATORS = {
    0: "add", 2: "concatenate", 3: "conv", 4: "depthwise", 6: "dequantize", 9: "dense",
    14: "sigmoid", 17: "max_pool", 19: "relu", 22: "reshape", 23: "resize",
    34: "pad", 40: "mean", 54: "prelu",
}  # fmt: skip
"""The operators that the converter knows, by their number in the schema."""

_TYPES = {0: "<f4", 1: "<f2", 2: "<i4"}

_OPTIONS: Mapping[str, tuple[tuple[str, int, str], ...]] = {
    "add": (("act", 0, "b"),),
    "concatenate": (("axis", 0, "i"), ("act", 1, "b")),
    "conv": (
        ("padding", 0, "b"), ("stride_w", 1, "i"), ("stride_h", 2, "i"), ("act", 3, "b"),
        ("dilation_w", 4, "i"), ("dilation_h", 5, "i"),
    ),
    "depthwise": (
        ("padding", 0, "b"), ("stride_w", 1, "i"), ("stride_h", 2, "i"), ("act", 4, "b"),
        ("dilation_w", 5, "i"), ("dilation_h", 6, "i"),
    ),
    "dense": (("act", 0, "b"),),
    "max_pool": (
        ("padding", 0, "b"), ("stride_w", 1, "i"), ("stride_h", 2, "i"), ("filter_w", 3, "i"),
        ("filter_h", 4, "i"), ("act", 5, "b"),
    ),
    "resize": (("align_corners", 2, "b"), ("half_pixel", 3, "b")),
}  # fmt: skip
"""Name, field and struct type of each operator's options; dilations default to 1, others to 0."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph: what it does, on which tensors, with which options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole network.

    Attributes:
        inputs: numbers of the tensors that one gives.
        outputs: numbers of those that one gets.
        shapes: of every tensor, by number.
        constants: the weights, by number.
        operators: in the order in which they run.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    constants: Mapping[int, NDArray[np.generic]]
    operators: tuple[Operator, ...]


def read(data: bytes) -> Graph:
    """Parse a file.

    Raises:
        ConfigError: it is damaged, or uses what the hand models do not.
    """
    if data[4:8] != b"TFL3":
        raise ConfigError("the file is no TensorFlow Lite model; pull the weights again")
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise ConfigError(
            f"the TensorFlow Lite model is damaged or of another kind ({error!r}); "
            "pull the weights again"
        ) from error


def _read(data: bytes) -> Graph:
    model = _Table(data, _number(data, 0, "I"))
    codes = [max(c.scalar(0, "b"), c.scalar(3, "i")) for c in model.tables(1)]
    buffers = model.tables(4)
    (graph,) = model.tables(2)
    tensors = graph.tables(0)
    shapes = tuple(t.numbers(0) for t in tensors)
    constants: dict[int, NDArray[np.generic]] = {}
    for number, tensor in enumerate(tensors):
        raw = buffers[tensor.scalar(2, "I")].blob(0)
        if not raw:
            continue
        if tensor.offset(6):
            raise ValueError("sparse weights")
        kind = np.dtype(_TYPES[tensor.scalar(1, "b")])
        constants[number] = np.frombuffer(raw, kind).reshape(shapes[number])
    operators = []
    for each in graph.tables(3):
        name = OPERATORS[codes[each.scalar(0, "I")]]
        operators.append(Operator(name, each.numbers(1), each.numbers(2), _options(name, each)))
    return Graph(graph.numbers(1), graph.numbers(2), shapes, constants, tuple(operators))


def _options(name: str, operator: _Table) -> dict[str, int]:
    table = operator.table(4)
    found = {}
    for key, field, kind in _OPTIONS.get(name, ()):
        usual = 1 if key.startswith("dilation") else 0
        found[key] = usual if table is None else table.scalar(field, kind, usual)
    return found


class _Table:
    """One FlatBuffers table: fields by number, each at an offset that the vtable gives."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - _number(data, at, "i")
        self._fields = (_number(data, self._vtable, "H") - 4) // 2

    def offset(self, field: int) -> int:
        """Where the field is, or 0 where it was left out."""
        if field >= self._fields:
            return 0
        found = _number(self._data, self._vtable + 4 + 2 * field, "H")
        return self._at + found if found else 0

    def scalar(self, field: int, kind: str, usual: int = 0) -> int:
        at = self.offset(field)
        return _number(self._data, at, kind) if at else usual

    def table(self, field: int) -> _Table | None:
        at = self.offset(field)
        return _Table(self._data, at + _number(self._data, at, "I")) if at else None

    def tables(self, field: int) -> list[_Table]:
        start, count = self._vector(field, 4)
        places = range(start, start + 4 * count, 4)
        return [_Table(self._data, at + _number(self._data, at, "I")) for at in places]

    def numbers(self, field: int) -> tuple[int, ...]:
        start, count = self._vector(field, 4)
        return struct.unpack_from(f"<{count}i", self._data, start)

    def blob(self, field: int) -> bytes:
        start, count = self._vector(field, 1)
        return self._data[start : start + count]

    def _vector(self, field: int, each: int) -> tuple[int, int]:
        at = self.offset(field)
        if not at:
            return 0, 0
        start = at + _number(self._data, at, "I")
        count = _number(self._data, start, "I")
        if start + 4 + count * each > len(self._data):
            raise ValueError("a list reaches past the end")
        return start + 4, count


def _number(data: bytes, at: int, kind: str) -> int:
    if at < 0:
        raise ValueError("an offset points before the file")
    return int(struct.unpack_from("<" + kind, data, at)[0])
