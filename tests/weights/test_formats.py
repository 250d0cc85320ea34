"""Only formats that hold numbers and text get in."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.weights.formats import MAX_HEADER, inspect, safetensors_header
from provenance.weights.interface import PullFailed
from tests.weights.hub import some_safetensors


def built(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def read(data):
    return safetensors_header(io.BytesIO(data), "x.safetensors")


def test_a_sound_file_is_read():
    assert read(some_safetensors(10))["weight"]["shape"] == [10]
    two = {"b": tensor(8, 16, [2]), "a": tensor(0, 8, [1, 2, 1])}
    assert set(read(built(two, bytes(16)))) == {"a", "b"}
    assert read(built({"none": tensor(0, 0, [0, 5])})) == {"none": tensor(0, 0, [0, 5])}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        built({}, length=1 << 63),
        built({}, length=MAX_HEADER + 1),
        built({}, length=100),
        built(b"[]"),
        built(b"nope"),
        built(b"[" * 100_000),
        built(b'{"a": 1}'),
        built(b'{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
              b' "a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        built({"a": tensor(0, 8, [1])}, bytes(8)),
        built({"a": tensor(0, 4, [1], "OBJECT")}, bytes(4)),
        built({"a": tensor(4, 8, [1])}, bytes(8)),
        built({"a": tensor(0, 4, [1]), "b": tensor(0, 4, [1])}, bytes(4)),
        built({"a": tensor(0, 4, [1])}, bytes(5)),
        built({"a": tensor(0, 4, [1])}, bytes(3)),
        built({"a": tensor(0, 4, [-1, -1])}, bytes(4)),
        built({"a": tensor(0, 4, [True])}, bytes(4)),
        built({"a": tensor(0, 4, [1.0])}, bytes(4)),
        built({"a": tensor(0, 4, "1")}, bytes(4)),
        built({"a": tensor(-4, 0, [1])}, bytes(4)),
        built({"a": tensor(0, 4, [1] * 40)}, bytes(4)),
        built({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, bytes(4)),
        built({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)),
    ],
)  # fmt: skip
def test_an_absurd_header_is_refused(data):
    with pytest.raises(PullFailed, match="is no safetensors file"):
        read(data)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_they_are_read_or_refused(data):
    for candidate in (data, built(data), built(b"{" + data + b"}", data)):
        with contextlib.suppress(PullFailed):
            read(candidate)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_of_the_header_never_breaks_us(at, value):
    data = bytearray(some_safetensors(20))
    data[at % len(data)] = value
    with contextlib.suppress(PullFailed):
        read(bytes(data))


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1]))
    return out.getvalue()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["x.onnx", "x.txt", "x.json", "x.safetensors", "x.model"])
def test_pickle_is_refused_under_every_name(tmp_path, name, protocol):
    path = tmp_path / "part"
    path.write_bytes(pickle.dumps({"weight": 1}, protocol))
    with pytest.raises(PullFailed, match="is a pickle"):
        inspect(path, name)


@pytest.mark.parametrize("name", ["x.onnx", "x.txt", "x.json", "x.tflite"])
def test_an_archive_as_torch_writes_it_is_refused(tmp_path, name):
    path = tmp_path / "part"
    path.write_bytes(zipped())
    with pytest.raises(PullFailed, match="is a zip archive"):
        inspect(path, name)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("x.onnx", b"\x08\x07\x12\x04", b"\x00\x01"),
        ("x.model", b"\x0a\x0e", b""),
        ("x.tflite", b"\x1c\0\0\0TFL3", b"\x1c\0\0\0TFL2"),
        ("x.json", b' \n{"a": 1}', b"a"),
        ("x.txt", b"#version: 0.2\n", b"a\0b"),
    ],
)
def test_a_file_is_what_its_name_says(tmp_path, name, good, bad):
    path = tmp_path / "part"
    path.write_bytes(good)
    inspect(path, name)
    path.write_bytes(bad)
    with pytest.raises(PullFailed):
        inspect(path, name)
