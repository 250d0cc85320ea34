"""Turns MediaPipe's TensorFlow Lite models into ONNX, in memory, in a tenth of a second.

The numbers are the same; only the order of the axes differs inside. Nothing is kept on disk: the
store holds the files as MediaPipe published them, and each process converts them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.hands import protobuf, tflite
from provenance.errors import ConfigError

Array = NDArray[Any]

_TO_FIRST = (0, 3, 1, 2)
_TO_LAST = (0, 2, 3, 1)


def to_onnx(data: bytes, taps: Sequence[int] = ()) -> bytes:
    """Convert a model.

    Args:
        data: the TensorFlow Lite file.
        taps: numbers of tensors that become further outputs `tap0`, `tap1`, and so on: those of
            four dimensions as N×C×H×W.

    Returns:
        An ONNX file with the input `input` (as in the original, N×H×W×C, any N) and the outputs
        `out0`, `out1`, and so on, in the original's order and shapes.

    Raises:
        ConfigError: the file is damaged, or holds what this converter does not know.
    """
    graph = tflite.read(data)
    try:
        return _Converter(graph).run(taps)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise ConfigError(
            f"the model cannot be converted ({error!r}); pull the weights again"
        ) from error


class _Converter:
    """Walks the operators once; four-dimensional values are kept channels first."""

    def __init__(self, graph: tflite.Graph) -> None:
        self._graph = graph
        self._constants = dict(graph.constants)
        self._names: dict[int, str] = {}
        self._nodes: list[bytes] = []
        self._tensors: dict[str, bytes] = {}

    def run(self, taps: Sequence[int]) -> bytes:
        graph = self._graph
        (given,) = graph.inputs
        self._names[given] = self._add("Transpose", ["input"], "first", perm=_TO_FIRST)
        for operator in graph.operators:
            number = operator.outputs[0]
            if operator.name == "dequantize":
                self._constants[number] = self._constants[operator.inputs[0]].astype(np.float32)
                continue
            step = getattr(self, f"_{operator.name}_op")
            name = step(operator, f"t{number}")
            self._names[number] = self._activated(name, operator.options.get("act", 0))
        outputs = []
        for index, number in enumerate(graph.outputs):
            name, shape = self._names[number], graph.shapes[number]
            if len(shape) == 4:
                name = self._add("Transpose", [name], f"{name}_last", perm=_TO_LAST)
            self._add("Identity", [name], f"out{index}")
            outputs.append(protobuf.value(f"out{index}", ("n", *shape[1:])))
        for index, number in enumerate(taps):
            self._add("Identity", [self._names[number]], f"tap{index}")
            shape = graph.shapes[number]
            sides = (shape[3], *shape[1:3]) if len(shape) == 4 else shape[1:]
            outputs.append(protobuf.value(f"tap{index}", ("n", *sides)))
        inputs = [protobuf.value("input", ("n", *graph.shapes[given][1:]))]
        return protobuf.model(self._nodes, self._tensors.values(), inputs, outputs)

    def _add(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self._nodes.append(protobuf.node(kind, inputs, name, attributes))
        return name

    def _constant(self, name: str, values: Array) -> str:
        self._tensors.setdefault(name, protobuf.tensor(name, values))
        return name

    def _value(self, number: int) -> str:
        return self._names[number]

    def _shape(self, number: int) -> tuple[int, ...]:
        return self._graph.shapes[number]

    def _activated(self, name: str, act: int) -> str:
        if act == 0:
            return name
        if act == 1:
            return self._add("Relu", [name], f"{name}_act")
        if act == 3:
            return self._clip(name)
        raise ValueError(f"activation {act}")

    def _clip(self, name: str) -> str:
        low = self._constant("zero", np.zeros((), np.float32))
        high = self._constant("six", np.full((), 6, np.float32))
        return self._add("Clip", [name, low, high], f"{name}_six")

    def _convolve(self, op: tflite.Operator, name: str, weights: Array, group: int) -> str:
        inputs = [self._value(op.inputs[0]), self._constant(f"{name}_w", weights)]
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            inputs.append(self._constant(f"{name}_b", self._constants[op.inputs[2]]))
        return self._add(
            "Conv", inputs, name, group=group, auto_pad=_padding(op),
            kernel_shape=weights.shape[2:],
            strides=(op.options["stride_h"], op.options["stride_w"]),
            dilations=(op.options["dilation_h"], op.options["dilation_w"]),
        )  # fmt: skip

    def _conv_op(self, op: tflite.Operator, name: str) -> str:
        return self._convolve(op, name, self._constants[op.inputs[1]].transpose(_TO_FIRST), 1)

    def _depthwise_op(self, op: tflite.Operator, name: str) -> str:
        weights = self._constants[op.inputs[1]].transpose(3, 0, 1, 2)
        return self._convolve(op, name, weights, self._shape(op.inputs[0])[3])

    def _prelu_op(self, op: tflite.Operator, name: str) -> str:
        slope = self._constants[op.inputs[1]].transpose(2, 0, 1)
        inputs = [self._value(op.inputs[0]), self._constant(f"{name}_s", slope)]
        return self._add("PRelu", inputs, name)

    def _add_op(self, op: tflite.Operator, name: str) -> str:
        return self._add("Add", [self._value(n) for n in op.inputs], name)

    def _relu_op(self, op: tflite.Operator, name: str) -> str:
        return self._add("Relu", [self._value(op.inputs[0])], name)

    def _sigmoid_op(self, op: tflite.Operator, name: str) -> str:
        return self._add("Sigmoid", [self._value(op.inputs[0])], name)

    def _max_pool_op(self, op: tflite.Operator, name: str) -> str:
        return self._add(
            "MaxPool", [self._value(op.inputs[0])], name, auto_pad=_padding(op),
            kernel_shape=(op.options["filter_h"], op.options["filter_w"]),
            strides=(op.options["stride_h"], op.options["stride_w"]),
        )  # fmt: skip

    def _pad_op(self, op: tflite.Operator, name: str) -> str:
        before, after = self._constants[op.inputs[1]][list(_TO_FIRST)].astype(np.int64).T
        widths = self._constant(f"{name}_p", np.concatenate([before, after]))
        return self._add("Pad", [self._value(op.inputs[0]), widths], name)

    def _resize_op(self, op: tflite.Operator, name: str) -> str:
        if op.options["align_corners"]:
            rule = "align_corners"
        else:
            rule = "half_pixel" if op.options["half_pixel"] else "asymmetric"
        before, after = self._shape(op.inputs[0]), self._shape(op.outputs[0])
        scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
        inputs = [self._value(op.inputs[0]), "", self._constant(f"{name}_s", scales)]
        return self._add("Resize", inputs, name, mode="linear", coordinate_transformation_mode=rule)

    def _mean_op(self, op: tflite.Operator, name: str) -> str:
        keep = len(self._shape(op.outputs[0])) == 4
        return self._add(
            "ReduceMean", [self._value(op.inputs[0])], name, axes=(2, 3), keepdims=int(keep)
        )

    def _reshape_op(self, op: tflite.Operator, name: str) -> str:
        shape = self._shape(op.outputs[0])
        if len(shape) == 4:
            raise ValueError("a reshape to four dimensions")
        sides = self._constant(f"{name}_r", np.array([-1, *shape[1:]], np.int64))
        return self._add("Reshape", [self._last(op.inputs[0], name), sides], name)

    def _concatenate_op(self, op: tflite.Operator, name: str) -> str:
        sides = len(self._shape(op.outputs[0]))
        axis = op.options["axis"] % sides
        if sides == 4:
            axis = _TO_FIRST.index(axis)
        return self._add("Concat", [self._value(n) for n in op.inputs], name, axis=axis)

    def _dense_op(self, op: tflite.Operator, name: str) -> str:
        flat = self._add("Flatten", [self._last(op.inputs[0], name)], f"{name}_f", axis=1)
        weights = self._constant(f"{name}_w", self._constants[op.inputs[1]])
        bias = self._constant(f"{name}_b", self._constants[op.inputs[2]])
        return self._add("Gemm", [flat, weights, bias], name, transB=1)

    def _last(self, number: int, name: str) -> str:
        """The value with its channels last, as the original has it."""
        if len(self._shape(number)) != 4:
            return self._value(number)
        return self._add("Transpose", [self._value(number)], f"{name}_last", perm=_TO_LAST)


def _padding(op: tflite.Operator) -> str:
    return "VALID" if op.options["padding"] else "SAME_UPPER"
