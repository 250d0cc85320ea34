"""The graph is cut without the package that made it; the real network runs where it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provenance.detect.backbone import MODEL, SIDE, WIDTH, Backbone, with_outputs
from provenance.errors import ConfigError
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store


def number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(key: int, body: bytes) -> bytes:
    return number(key << 3 | 2) + number(len(body)) + body


def model(outputs: list[bytes], nodes: bytes = b"node") -> bytes:
    graph = field(1, nodes) + b"".join(field(12, field(1, name)) for name in outputs)
    return b"\x08\x09" + field(7, graph) + field(8, b"opset")


def test_only_the_outputs_change():
    assert with_outputs(model([b"old", b"older"]), ["new"]) == model([b"new"])


@given(st.lists(st.binary(max_size=300), max_size=5), st.binary(max_size=5000))
def test_everything_else_stays(outputs, nodes):
    assert with_outputs(model(outputs, nodes), ["a", "b"]) == model([b"a", b"b"], nodes)


@given(st.binary(max_size=200))
def test_damage_is_one_error(data):
    try:
        with_outputs(data, ["a"])
    except ConfigError as error:
        assert "pull it again" in str(error)


@pytest.mark.parametrize(
    "data", [b"", b"\x08\x09", b"\x3a\xff\xff", b"\x3a" + b"\xff" * 12, b"\x3b"]
)
def test_no_model(data):
    with pytest.raises(ConfigError, match="pull it again"):
        with_outputs(data, ["a"])


def test_without_weights_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path))
    view = Image.new("RGB", (SIDE, SIDE))
    with pytest.raises(WeightsMissing, match=f"provenance models pull {MODEL}"):
        Backbone().features([view])


def test_the_real_network():
    try:
        Store.standard().get(MODEL)
    except WeightsMissing:
        pytest.skip(f"needs the weights of {MODEL}")
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))
    flat = Image.new("RGB", (SIDE, SIDE), (90, 120, 60))
    both = Backbone().features([noise, flat])
    assert both.shape == (2, WIDTH)
    assert np.isfinite(both).all()
    assert np.allclose(both[1], Backbone().features([flat])[0], atol=1e-3)
    assert not np.allclose(both[0], both[1], atol=1e-2)
