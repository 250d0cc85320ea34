"""The graph is cut and narrowed without the package `onnx`, the same on every machine."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.detect.backbone import MODEL, network
from provenance.detect.hands import protobuf as write
from provenance.detect.int8 import cut, narrowed
from provenance.detect.protobuf import encoded, fields, integer, message, packed, varint, whole
from provenance.errors import ConfigError
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store

RNG = np.random.default_rng(5)
FIRST = RNG.normal(0, 1, (16, 24)).astype(np.float32)
SECOND = RNG.normal(0, 0.2, (24, 8)).astype(np.float32)
PICTURES = RNG.normal(0, 1, (3, 16)).astype(np.float32)


def operation(name: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> bytes:
    return b"".join(
        [message(1, each.encode()) for each in inputs]
        + [message(2, each.encode()) for each in outputs]
        + [message(4, name.encode())]
        + ([message(5, attribute)] if attribute else [])
    )


def product(left: str, right: str, result: str) -> list[bytes]:
    """As `quantize_dynamic` writes it."""
    to_float = message(1, b"to") + whole(3, 1) + whole(20, 2)
    return [
        operation("DynamicQuantizeLinear", [left], [f"{left}_q", f"{left}_s", f"{left}_z"]),
        operation(
            "MatMulInteger",
            [f"{left}_q", f"{right}_quantized", f"{left}_z", f"{right}_zero_point"],
            [f"{result}_i"],
        ),
        operation("Cast", [f"{result}_i"], [f"{result}_f"], to_float),
        operation("Mul", [f"{left}_s", f"{right}_scale"], [f"{result}_m"]),
        operation("Mul", [f"{result}_f", f"{result}_m"], [result]),
    ]


def weights(name: str, values: np.ndarray, zero: int = 0) -> list[bytes]:
    """8 bits a weight, one scale a column; scales and zero points in their own fields."""
    rows, columns = values.shape
    scale = (np.abs(values).max(axis=0) / 127).astype("<f4")
    bits = np.rint(values / np.where(scale, scale, 1)).astype(np.int8)
    shape, line = whole(1, rows) + whole(1, columns), whole(1, columns)
    zeros = b"".join(encoded(zero) for _ in range(columns))
    return [
        shape + whole(2, 3) + message(8, f"{name}_quantized".encode()) + message(9, bits.tobytes()),
        line + whole(2, 1) + message(8, f"{name}_scale".encode()) + message(4, scale.tobytes()),
        line + whole(2, 3) + message(8, f"{name}_zero_point".encode()) + message(5, zeros),
    ]


def two_products(first: np.ndarray = FIRST, zero: int = 0) -> bytes:
    """x·first, its ReLU, ·SECOND, and a tail that nobody asks for."""
    return write.model(
        [
            *product("x", "first", "a"),
            operation("Relu", ["a"], ["b"]),
            *product("b", "second", "c"),
            operation("MatMul", ["c", "unused"], ["d"]),
        ],
        [
            *weights("first", first, zero),
            *weights("second", SECOND),
            write.tensor("unused", np.ones((8, 1000), np.float32)),
        ],
        [write.value("x", ["n", 16])],
        [write.value("c", ["n", 8]), write.value("d", ["n", 1000])],
    )


def run(graph: bytes, name: str) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (found,) = session.run([name], {"x": PICTURES})
    return found


def tensor(graph: bytes, name: str) -> dict[int, memoryview]:
    (body,) = [body for number, _, body in fields(memoryview(graph)) if number == 7]
    tensors = [dict_of(body) for number, _, body in fields(body) if number == 5]
    return next(t for t in tensors if bytes(t[8]) == name.encode())


def dict_of(body: memoryview) -> dict[int, memoryview]:
    return {number: content for number, _, content in fields(body) if content is not None}


@pytest.mark.parametrize("change", [cut, narrowed])
def test_the_tensor_stays_and_the_rest_goes(change):
    graph = change(two_products(), ["c"])
    expected = np.maximum(PICTURES @ FIRST, 0) @ SECOND
    assert np.abs(run(graph, "c") - expected).max() < 0.05 * np.abs(expected).max()
    assert len(graph) < len(two_products()) - 8 * 1000 * 4


def test_a_cut_changes_no_number():
    assert np.array_equal(run(cut(two_products(), ["c"]), "c"), run(two_products(), "c"))


def test_weights_have_seven_bits_and_are_off_by_little():
    graph = narrowed(two_products(), ["a"])
    bits = np.frombuffer(tensor(graph, "first_quantized")[9], np.int8).reshape(FIRST.shape)
    scale = np.frombuffer(tensor(graph, "first_scale")[9], "<f4")
    assert np.abs(bits).max() == 63
    steps = np.abs(FIRST).max(axis=0) / 63
    assert (np.abs(bits * scale - FIRST) <= steps).all()


def test_a_column_of_zeros_stays_zero():
    first = FIRST.copy()
    first[:, 3] = 0
    assert (run(narrowed(two_products(first), ["a"]), "a")[:, 3] == 0).all()


def test_another_way_to_quantise_is_refused():
    with pytest.raises(ConfigError, match="pull it again"):
        narrowed(two_products(zero=3), ["a"])


def test_twice_the_same_bytes():
    assert narrowed(two_products(), ["c"]) == narrowed(two_products(), ["c"])


@pytest.mark.parametrize(
    "data", [b"", b"\x08\x09", b"\x3a\xff\xff", b"\x3a" + b"\xff" * 12, b"\x3b"]
)
def test_no_model(data):
    with pytest.raises(ConfigError, match="pull it again"):
        narrowed(data, ["a"])


def test_a_tensor_that_is_not_there():
    with pytest.raises(ConfigError, match="pull it again"):
        cut(two_products(), ["e"])


@settings(deadline=None)  # a slow machine is no fault of the reader
@given(st.binary(max_size=300))
def test_damage_is_one_error(data):
    try:
        narrowed(data, ["a"])
    except ConfigError as error:
        assert "pull it again" in str(error)


@settings(deadline=None)
@given(st.integers(0, len(two_products()) - 1), st.integers(0, 255))
def test_a_byte_that_is_another_is_one_error_or_a_model(place, value):
    data = bytearray(two_products())
    data[place] = value
    try:
        assert isinstance(narrowed(bytes(data), ["c"]), bytes)
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
        Store.standard().get(MODEL)
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")
    assert len(network()) < 61e6  # its hash is compared there
