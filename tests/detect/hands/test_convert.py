"""Reading TensorFlow Lite and writing ONNX, on damaged files and on the real ones."""

from __future__ import annotations

import struct

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.detect.hands import network, protobuf, tflite
from provenance.detect.hands.convert import to_onnx
from provenance.detect.hands.find import find
from provenance.detect.hands.reader import Reader
from provenance.errors import ConfigError
from provenance.weights.interface import Weights, WeightsMissing
from provenance.weights.store import Store


@pytest.fixture(scope="session")
def weights() -> Weights:
    try:
        return Store.standard().get(network.MODEL)
    except WeightsMissing as missing:
        pytest.skip(str(missing))


def run(graph: bytes, **inputs: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(ConfigError):
        tflite.read(data)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_behind_the_mark_are_refused(data):
    with pytest.raises(ConfigError):
        to_onnx(struct.pack("<I", 16) + b"TFL3" + data)


def test_a_file_written_by_hand_runs():
    node = protobuf.node("Gemm", ["x", "w"], "y", {"transB": 1, "alpha": 2.0})
    weight = protobuf.tensor("w", np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    graph = protobuf.model(
        [node], [weight], [protobuf.value("x", ("n", 2))], [protobuf.value("y", ("n", 3))]
    )
    (found,) = run(graph, x=np.array([[1, 1], [0, 2]], np.float32))
    assert found.tolist() == [[6, 14, 22], [8, 16, 24]]


@pytest.mark.parametrize("name", [network.PALM, network.LANDMARK])
def test_a_real_file_cut_short_is_refused(weights, name):
    data = weights.files[name].read_bytes()
    for length in (9, 1000, len(data) // 2):
        with pytest.raises(ConfigError):
            to_onnx(data[:length])


@pytest.mark.parametrize(
    ("name", "side", "shapes"),
    [
        (network.PALM, 192, [(2, 2016, 18), (2, 2016, 1)]),
        (network.LANDMARK, 224, [(2, 63), (2, 1), (2, 1), (2, 63)]),
    ],
)
def test_the_converted_model_gives_what_the_original_gives(weights, name, side, shapes):
    data = weights.files[name].read_bytes()
    given_ = np.random.default_rng(0).random((2, side, side, 3), np.float32)
    found = run(to_onnx(data), input=given_)
    assert [f.shape for f in found] == shapes
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    original = litert.Interpreter(str(weights.files[name]), num_threads=1)
    original.allocate_tensors()
    for row in range(2):
        original.set_tensor(original.get_input_details()[0]["index"], given_[row : row + 1])
        original.invoke()
        for one, place in zip(found, original.get_output_details(), strict=True):
            assert np.abs(one[row] - original.get_tensor(place["index"])[0]).max() < 1e-3


def test_features_do_not_depend_on_the_batch(weights):
    crops = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    both, one = network.seen(crops).features, network.seen(crops[1:]).features
    assert both.shape == (2, 1888)
    assert np.allclose(both[1:], one, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (64, 64), (700, 3)])
def test_a_picture_without_hands_has_none(weights, size):
    from PIL import Image

    assert find(Image.new("RGB", size, (120, 90, 60))) == []


def test_a_drawing_without_hands_has_none(weights, scene):
    from PIL import Image

    assert [hand for hand in Reader().read(Image.fromarray(scene)) if hand.clear] == []


def test_real_hands_are_found(weights, shared):
    from PIL import Image

    path = next((shared / "corpus" / "hands" / "real").glob("*5_IMG*"))
    picture = np.pad(
        np.asarray(Image.open(path).convert("RGB")), ((60, 60), (60, 60), (0, 0)), "edge"
    )
    (hand,) = Reader().read(Image.fromarray(picture))
    assert hand.clear
    assert hand.box[0] > 40 and hand.box[2] < 180
