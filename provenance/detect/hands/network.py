"""The two networks of MediaPipe Hands, opened once in a process, on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance._per_process import PerProcess
from provenance.detect.hands.convert import to_onnx
from provenance.weights.store import Store

MODEL = "mediapipe-hands"
"""Its name in the catalogue of weights."""

PALM, LANDMARK = "palm_detection_full.tflite", "hand_landmark_full.tflite"

TAPS = (160, 113, 120, 142, 157)
"""Tensors of the landmark network that the judge looks at: the last vector, and the maps of 56, 28,
14 and 7 cells a side."""

WIDTH = 1152 + 2 * (24 + 40 + 112 + 192)
"""Numbers in the features of a crop."""

Floats = NDArray[np.float32]


def _session(name: str, taps: Sequence[int] = ()) -> Any:
    import onnxruntime

    graph = to_onnx(Store.standard().get(MODEL).files[name].read_bytes(), taps)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


_palm = PerProcess(lambda: _session(PALM))
_landmark = PerProcess(lambda: _session(LANDMARK, TAPS))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the landmark network makes of N crops.

    Attributes:
        points: N×21×3, in pixels of the crop.
        presence: N, how sure it is of a hand.
        features: N×`WIDTH`: its last vector, mean and maximum of four maps.
    """

    points: Floats
    presence: Floats
    features: Floats


def palms(pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Boxes (2016×18, in cells of the 192 pixels) and logits (2016) for one 192×192×3 picture.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    boxes, logits = _palm().run(None, {"input": _unit(pixels[None])})
    return boxes[0], logits[0, :, 0]


def landmarks(pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Points (N×21×3, pixels) and presence (N) for N×224×224×3 crops.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    points, presence = _landmark().run(["out0", "out1"], {"input": _unit(pixels)})
    return points.reshape(-1, 21, 3), presence[:, 0]


def seen(pixels: NDArray[np.uint8]) -> Seen:
    """The same with the features.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """
    names = ["out0", "out1", *(f"tap{i}" for i in range(len(TAPS)))]
    points, presence, last, *maps = _landmark().run(names, {"input": _unit(pixels)})
    pooled = [p for m in maps for p in (m.mean((2, 3)), m.max((2, 3)))]
    return Seen(points.reshape(-1, 21, 3), presence[:, 0], np.concatenate([last, *pooled], 1))


def _unit(pixels: NDArray[np.uint8]) -> Floats:
    return pixels.astype(np.float32) / np.float32(255)
