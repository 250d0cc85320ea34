"""Writes a vision transformer with its weights as an ONNX graph, without torch or timm.

Pre-norm blocks, class token, learned positions, GELU, one linear head on the class token: the
layout and the names of timm's `VisionTransformer` (Dosovitskiy et al., "An image is worth 16×16
words", 2020). Normalisation divides by the root of the variance plus 1e-6, as timm's does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from provenance.detect.hands.protobuf import Attribute, model, node, tensor, value
from provenance.errors import ConfigError

Arrays = Mapping[str, NDArray[np.float32]]

_EPSILON = 1e-6
_PER_HEAD = 64
"""Numbers that each attention head has in ViT-S, -B and -L."""


class _Graph:
    """Nodes and tensors as they are added; each step returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.tensors: dict[str, bytes] = {}

    def put(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.tensors[name] = tensor(name, values)
        return name

    def run(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        result = f"t{len(self.nodes)}"
        self.nodes.append(node(operator, inputs, result, attributes))
        return result


def to_onnx(state: Arrays, prefix: str = "") -> bytes:
    """The graph: `pixels` (1×3×side×side) in, `logits` (1×classes) out.

    Args:
        state: tensors by timm's names, each after `prefix`.
        prefix: of the names, such as `vit.`.

    Raises:
        ConfigError: a tensor is missing, has no place, or does not fit.
    """
    needed = dict(state)
    try:
        graph, side = _written(needed, prefix)
    except KeyError as error:
        raise ConfigError(
            f"the weights are not those of a vision transformer: {error.args[0]} is missing"
        ) from error
    except (ValueError, IndexError) as error:
        raise ConfigError(f"the weights do not fit a vision transformer: {error}") from error
    if needed:
        raise ConfigError(
            f"the weights are not those of a plain vision transformer: {min(needed)} has no place"
        )
    return model(
        graph.nodes,
        graph.tensors.values(),
        [value("pixels", [1, 3, side, side])],
        [value("logits", [1, "classes"])],
    )


class _State:
    """Tensors that are taken one by one, so that none is left over or used twice."""

    def __init__(self, left: dict[str, NDArray[np.float32]], prefix: str) -> None:
        self._left = left
        self._prefix = prefix

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        found = self._left.pop(self._prefix + name)
        if shape and found.shape != shape:
            raise ValueError(f"{name} has the shape {found.shape}, expected {shape}")
        return found

    def blocks(self) -> Iterator[str]:
        """The names of the blocks, in order."""
        number = 0
        while f"{self._prefix}blocks.{number}.norm1.weight" in self._left:
            yield f"blocks.{number}."
            number += 1


def _written(needed: dict[str, NDArray[np.float32]], prefix: str) -> tuple[_Graph, int]:
    graph, state = _Graph(), _State(needed, prefix)
    kernel = state.take("patch_embed.proj.weight")
    width, channels, patch, _ = kernel.shape
    positions = state.take("pos_embed")
    across = round((positions.shape[1] - 1) ** 0.5)
    if positions.shape != (1, across**2 + 1, width) or channels != 3 or width % _PER_HEAD:
        raise ValueError(f"pos_embed has the shape {positions.shape}, kernels {kernel.shape}")
    bias = graph.put("patches.bias", state.take("patch_embed.proj.bias", width))
    kernels = graph.put("patches", kernel)
    x = graph.run("Conv", "pixels", kernels, bias, strides=[patch, patch])
    x = graph.run("Reshape", x, graph.put("flat", np.array([1, width, -1])))
    x = graph.run("Transpose", x, perm=[0, 2, 1])
    token = graph.put("class", state.take("cls_token", 1, 1, width))
    x = graph.run("Concat", token, x, axis=1)
    x = graph.run("Add", x, graph.put("positions", positions))
    for name in state.blocks():
        y = _norm(graph, state, name + "norm1", x, width)
        x = graph.run("Add", x, _attention(graph, state, name + "attn", y, width))
        y = _norm(graph, state, name + "norm2", x, width)
        y = _gelu(graph, _linear(graph, state, name + "mlp.fc1", y))
        x = graph.run("Add", x, _linear(graph, state, name + "mlp.fc2", y))
    x = _norm(graph, state, "norm", x, width)
    x = graph.run("Gather", x, graph.put("first", np.array(0)), axis=1)
    last = _linear(graph, state, "head", x)
    graph.nodes.append(node("Identity", [last], "logits", {}))
    return graph, patch * across


def _linear(graph: _Graph, state: _State, name: str, x: str) -> str:
    weight = state.take(name + ".weight")
    product = graph.run("MatMul", x, graph.put(name, np.ascontiguousarray(weight.T)))
    return graph.run("Add", product, graph.put(f"{name}.bias", state.take(f"{name}.bias")))


def _norm(graph: _Graph, state: _State, name: str, x: str, width: int) -> str:
    scale = graph.put(name, state.take(name + ".weight", width))
    bias = graph.put(f"{name}.bias", state.take(f"{name}.bias", width))
    return graph.run("LayerNormalization", x, scale, bias, epsilon=_EPSILON)


def _attention(graph: _Graph, state: _State, name: str, x: str, width: int) -> str:
    weight = state.take(name + ".qkv.weight", 3 * width, width)
    bias = state.take(name + ".qkv.bias", 3 * width)
    heads = graph.put("heads", np.array([1, -1, width // _PER_HEAD, _PER_HEAD]))
    parts = []
    for at, part in enumerate("qkv"):
        rows = slice(at * width, (at + 1) * width)
        kernel = graph.put(f"{name}.{part}", np.ascontiguousarray(weight[rows].T))
        y = graph.run("MatMul", x, kernel)
        y = graph.run("Add", y, graph.put(f"{name}.{part}.bias", bias[rows]))
        parts.append(graph.run("Reshape", y, heads))
    q = graph.run("Transpose", parts[0], perm=[0, 2, 1, 3])
    k = graph.run("Transpose", parts[1], perm=[0, 2, 3, 1])
    v = graph.run("Transpose", parts[2], perm=[0, 2, 1, 3])
    scale = graph.put("scale", np.array(_PER_HEAD**-0.5, np.float32))
    weights = graph.run("Softmax", graph.run("Mul", graph.run("MatMul", q, k), scale), axis=-1)
    y = graph.run("Transpose", graph.run("MatMul", weights, v), perm=[0, 2, 1, 3])
    y = graph.run("Reshape", y, graph.put("joined", np.array([1, -1, width])))
    return _linear(graph, state, name + ".proj", y)


def _gelu(graph: _Graph, x: str) -> str:
    """Half of x times 1 + erf(x / √2)."""
    half = graph.put("half", np.array(0.5, np.float32))
    one = graph.put("one", np.array(1, np.float32))
    root = graph.put("root", np.array(0.5**0.5, np.float32))
    y = graph.run("Add", graph.run("Erf", graph.run("Mul", x, root)), one)
    return graph.run("Mul", graph.run("Mul", x, half), y)
