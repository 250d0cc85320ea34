"""Safetensors are read to the byte; everything else is refused in one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.detect.published.arrays import read
from provenance.errors import ConfigError


def written(arrays: dict[str, np.ndarray], kind: str = "F32") -> bytes:
    header, body = {}, b""
    for name, values in arrays.items():
        data = values.tobytes()
        span = [len(body), len(body) + len(data)]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": span}
        body += data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


@pytest.mark.parametrize(("kind", "dtype"), [("F32", "<f4"), ("F16", "<f2"), ("F64", "<f8")])
def test_numbers_come_back_in_single_precision(tmp_path, kind, dtype):
    arrays = {"a": np.arange(6).reshape(2, 3).astype(dtype), "b": np.array([0.5], dtype)}
    path = tmp_path / "model.safetensors"
    path.write_bytes(written(arrays, kind))
    found = read(path)
    assert found.keys() == arrays.keys()
    for name, values in found.items():
        assert values.dtype == np.float32
        assert np.array_equal(values, arrays[name])


def test_other_numbers_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(written({"a": np.arange(3, dtype="<i8")}, "I64"))
    with pytest.raises(ConfigError, match="holds I64, expected floats"):
        read(path)


def test_a_pickle_is_refused_by_its_name(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ConfigError, match="pickle runs code"):
        read(path)


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "model.safetensors")


@given(st.data())
def test_damage_is_one_error(tmp_path_factory, data):
    whole = bytearray(written({"a": np.ones((2, 2), np.float32)}))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("damaged") / "model.safetensors"
    path.write_bytes(bytes(whole[:cut]))
    try:
        read(path)
    except ConfigError as error:
        assert "\n" not in str(error)
