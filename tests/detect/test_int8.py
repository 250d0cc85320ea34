"""The graph is cut and rounded without the package `onnx`, the same on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.detect.backbone import LAYERS, MODEL, SHA256
from provenance.detect.hands import protobuf as write
from provenance.detect.int8 import cut, quantised
from provenance.detect.protobuf import encoded, fields, integer, message, packed, varint, whole
from provenance.errors import ConfigError
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store

RNG = np.random.default_rng(5)
FIRST = RNG.normal(0, 1, (16, 24)).astype(np.float32)
SECOND = RNG.normal(0, 0.2, (24, 8)).astype(np.float32)
PICTURES = RNG.normal(0, 1, (3, 16)).astype(np.float32)


def two_products() -> bytes:
    """x·FIRST, its ReLU, ·SECOND, and a tail that nobody asks for."""
    return write.model(
        [
            write.node("MatMul", ["x", "first"], "a", {}),
            write.node("Relu", ["a"], "b", {}),
            write.node("MatMul", ["b", "second"], "c", {}),
            write.node("MatMul", ["c", "unused"], "d", {}),
        ],
        [
            write.tensor("first", FIRST),
            write.tensor("second", SECOND),
            write.tensor("unused", np.ones((8, 1000), np.float32)),
        ],
        [write.value("x", ["n", 16])],
        [write.value("d", ["n", 1000])],
    )


def run(graph: bytes, name: str) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (found,) = session.run([name], {"x": PICTURES})
    return found


def test_cut_gives_the_tensor_and_drops_the_rest():
    graph = cut(two_products(), ["c"])
    expected = np.maximum(PICTURES @ FIRST, 0) @ SECOND
    assert np.allclose(run(graph, "c"), expected, atol=1e-5)
    assert len(graph) < len(two_products()) - 8 * 1000 * 4


def test_whole_numbers_are_near_and_a_quarter_of_the_size():
    graph = quantised(two_products(), ["c"])
    expected = np.maximum(PICTURES @ FIRST, 0) @ SECOND
    assert np.abs(run(graph, "c") - expected).max() < 0.05 * np.abs(expected).max()
    assert b"MatMulInteger" in graph
    assert FIRST.tobytes() not in graph


def test_weights_are_off_by_half_a_step_at_most():
    graph = quantised(two_products(), ["a"])
    steps = np.abs(FIRST).max(axis=0) / 63
    small = next(b for b in tensors(graph) if b"first.int8" in bytes(b))
    (raw,) = [body for number, _, body in fields(small) if number == 9]
    found = np.frombuffer(raw, np.int8).reshape(FIRST.shape) * steps
    assert (np.abs(found - FIRST) <= steps / 2 + 1e-6).all()


def tensors(graph: bytes) -> list[memoryview]:
    (body,) = [body for number, _, body in fields(memoryview(graph)) if number == 7]
    return [body for number, _, body in fields(body) if number == 5]


def test_an_input_shared_by_two_products_is_rounded_once():
    model = write.model(
        [
            write.node("MatMul", ["x", "first"], "a", {}),
            write.node("MatMul", ["x", "other"], "b", {}),
        ],
        [write.tensor("first", FIRST), write.tensor("other", -FIRST)],
        [write.value("x", ["n", 16])],
        [],
    )
    graph = quantised(model, ["a", "b"])
    assert graph.count(b"DynamicQuantizeLinear") == 1
    assert np.allclose(run(graph, "a"), -run(graph, "b"), atol=1e-5)


def test_a_column_of_zeros_stays_zero():
    weights = FIRST.copy()
    weights[:, 3] = 0
    model = write.model(
        [write.node("MatMul", ["x", "w"], "a", {})],
        [write.tensor("w", weights)],
        [write.value("x", ["n", 16])],
        [],
    )
    assert (run(quantised(model, ["a"]), "a")[:, 3] == 0).all()


def test_twice_the_same_bytes():
    assert quantised(two_products(), ["c"]) == quantised(two_products(), ["c"])


@pytest.mark.parametrize(
    "data", [b"", b"\x08\x09", b"\x3a\xff\xff", b"\x3a" + b"\xff" * 12, b"\x3b"]
)
def test_no_model(data):
    with pytest.raises(ConfigError, match="pull it again"):
        quantised(data, ["a"])


def test_a_tensor_that_is_not_there():
    with pytest.raises(ConfigError, match="pull it again"):
        cut(two_products(), ["e"])


@given(st.binary(max_size=300))
def test_damage_is_one_error(data):
    try:
        quantised(data, ["a"])
    except ConfigError as error:
        assert "pull it again" in str(error)


@given(st.integers(0, two_products().__len__() - 1), st.integers(0, 255))
def test_a_byte_that_is_another_is_one_error_or_a_model(place, value):
    data = bytearray(two_products())
    data[place] = value
    try:
        assert isinstance(quantised(bytes(data), ["c"]), bytes)
    except ConfigError as error:
        assert "pull it again" in str(error)


@given(st.lists(st.integers(0, 2**63 - 1), max_size=20))
def test_numbers_come_back(values):
    body = memoryview(b"".join(encoded(v) for v in values))
    assert packed(body) == values
    for value in values:
        assert varint(memoryview(encoded(value)), 0) == (value, len(encoded(value)))
        (found,) = fields(memoryview(whole(3, value)))
        assert found[0] == 3
        assert integer(found[1]) == value


@given(st.integers(1, 1000), st.binary(max_size=300))
def test_messages_come_back(number, body):
    ((found, _, content),) = fields(memoryview(message(number, body)))
    assert (found, bytes(content)) == (number, body)


def test_the_real_network_becomes_what_was_measured():
    try:
        path = Store.standard().get(MODEL).files["vit_s_focus.onnx"]
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")
    names = [f"/backbone/encoder/layer.{layer}/Add_1_output_0" for layer in LAYERS]
    assert hashlib.sha256(quantised(path.read_bytes(), names)).hexdigest() == SHA256
