"""Graphs of ONNX from torch modules, and the same graphs with smaller weights."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from provenance.embed.torch_engine import Encoder
from provenance.errors import ConfigError

_OPSET = 18
_MAX_BYTES = 2_000_000_000
"""A file of ONNX is one protobuf message, which holds less than 2 GiB."""

_SMALL = 1024
"""Tensors of fewer numbers stay in single precision: biases and norms, which weigh nothing."""

_PRODUCTS = ("MatMul", "Gemm")


def graph_of(encoder: Encoder, example: Any, name: str) -> Any:
    """The graph of a tower: `name` in, `vectors` out, of any batch.

    Raises:
        ConfigError: the tower is too large for one file, or torch cannot express it in ONNX.
    """
    size = sum(weight.numel() * 4 for weight in encoder.parameters())
    if size > 2 * _MAX_BYTES:  # both towers hang on one module; the unused one is dropped
        raise ConfigError(
            f"the model has {size / 1e9:.1f} GB of weights, a file of ONNX holds 2 GB; "
            "export a smaller model"
        )
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                encoder,
                (torch.from_numpy(example),),
                dynamo=True,
                verbose=False,
                opset_version=_OPSET,
                input_names=[name],
                output_names=["vectors"],
                dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
            )
    except torch.onnx.OnnxExporterError as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigError(f"torch cannot write this tower as ONNX: {first}") from error
    model = program.model_proto
    if model.ByteSize() > _MAX_BYTES:
        raise ConfigError(
            f"the tower has {model.ByteSize() / 1e9:.1f} GB, a file of ONNX holds 2 GB; "
            "export a smaller model"
        )
    return model


def variants(model: Any, precision: str) -> Iterator[bytes]:
    """The graph in this precision; where there are several, the smallest first.

    INT8 is dynamic: weights by output channel, activations by tensor at run time. Weights take 7
    bits, so that sums cannot overflow on processors without VNNI (ONNX Runtime's advice). What
    loses most is the second product of each block, whose inputs have outliers; the last variant
    leaves those in single precision.
    """
    if precision == "fp32":
        yield model.SerializeToString()
    elif precision == "fp16":
        yield _halved(model)
    else:
        yield _quantized(model, [])
        yield _quantized(model, _contractions(model))


def _halved(model: Any) -> bytes:
    """Weights of 16 bits with a cast to 32 each, which ONNX Runtime does once, when loading.

    Half the file at the full speed: ONNX Runtime has no products of 16 bits for x86, so a graph
    that computes in them would be slower.
    """
    small = onnx.ModelProto()
    small.CopyFrom(model)
    casts = []
    for tensor in small.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    return bytes(small.SerializeToString())


def _quantized(model: Any, kept: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "graph.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=list(_PRODUCTS),
            nodes_to_exclude=kept,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return path.read_bytes()


def _contractions(model: Any) -> list[str]:
    """Names of the products that make vectors shorter by half or more."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        shape = shapes.get(node.input[1], ()) if node.op_type in _PRODUCTS else ()
        turned = any(a.name == "transB" and a.i for a in node.attribute)
        rows, columns = (shape[::-1] if turned else shape) if len(shape) == 2 else (0, 0)
        if rows >= 2 * columns > 0:
            found.append(node.name)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' remarks, which nobody here can act upon, from the user's screen."""
    level = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(level)
