"""Curves rise, hold for one tower, and come back from their file as they were."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.embed.interface import Identity
from provenance.errors import ConfigError, InputError
from provenance.moderate.calibration import (
    ENOUGH_FOR_ISOTONIC,
    Calibration,
    Curve,
    fit_curve,
    same_weights,
    sigmoid,
)

TOWER = Identity("colour", "0" * 40, "fake")


def sample(n: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """Evidence of which the true probability is known: sigmoid(2 x - 1), at equal shares."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.5, 2, 4 * n)
    y = rng.random(4 * n) < 1 / (1 + np.exp(-(2 * x - 1)))
    return x[~y][:n].tolist(), x[y][:n].tolist()


def test_platt_finds_the_curve_that_made_the_sample():
    curve = fit_curve(*sample(480), "x")
    assert curve.platt is not None
    assert curve.platt[0] == pytest.approx(2, abs=0.4)
    assert curve.platt[1] == pytest.approx(-1, abs=0.4)


def test_isotonic_curves_rise_and_are_near_the_truth():
    curve = fit_curve(*sample(2000), "x")
    assert curve.platt is None
    grid = np.linspace(-4, 5, 200)
    values = np.array([curve(float(e)) for e in grid])
    assert (np.diff(values) >= 0).all()
    assert np.abs(values - 1 / (1 + np.exp(-(2 * grid - 1)))).mean() < 0.05
    assert len(curve.knots) < 500


def test_the_sample_decides_which_curve():
    half = ENOUGH_FOR_ISOTONIC // 2
    assert fit_curve(*sample(half - 1), "x").platt is not None
    assert fit_curve(*sample(half), "x").platt is None


def test_separable_evidence_gets_a_finite_slope():
    curve = fit_curve([-1.0, -2.0, -3.0], [1.0, 2.0, 3.0], "x")
    assert curve.platt is not None
    assert math.isfinite(curve.platt[0])
    assert curve(-2.0) < 0.5 < curve(2.0)


def test_evidence_the_wrong_way_round_is_refused():
    with pytest.raises(InputError, match="do not score higher"):
        fit_curve([1.0, 2.0, 3.0], [-1.0, -2.0, -3.0], "x")


def test_too_few_pictures():
    with pytest.raises(InputError, match="got 1 and 5"):
        fit_curve([1.0], [1.0] * 5, "x")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_sigmoid_never_overflows_and_keeps_nan(logit):
    value = sigmoid(logit)
    assert math.isnan(value) == math.isnan(logit)
    assert math.isnan(value) or 0.0 <= value <= 1.0


def test_evidence_that_is_no_number_gives_none():
    curve = Curve("x", 2, 2, knots=((0.0, 0.0), (1.0, 1.0)))
    assert math.isnan(curve(math.nan))


def test_a_file_comes_back_as_it_was(tmp_path):
    made = Calibration(
        TOWER, {"a": fit_curve(*sample(100), "one"), "b": fit_curve(*sample(1000), "two")}
    )
    (tmp_path / "c.json").write_text(made.to_json())
    assert Calibration.load(tmp_path / "c.json") == made


def _good() -> dict:
    return json.loads(Calibration(TOWER, {"a": Curve("x", 2, 2, (1.0, 0.0))}).to_json())


def _broken():
    yield {}
    yield []
    yield {**_good(), "version": 2}
    yield {**_good(), "tower": {"model": "x"}}
    for change in (
        {"platt": [-1, 0]},
        {"platt": [float("nan"), 0]},
        {"platt": [1]},
        {"platt": "11"},
        {"platt": None},
        {"platt": None, "knots": [[0, 0]]},
        {"platt": None, "knots": [[0, 0], [1, 2]]},
        {"platt": None, "knots": [[0, 1], [1, 0]]},
        {"platt": None, "knots": [[1, 0], [0, 1]]},
        {"knots": [[0, 0], [1, 1]]},
        {"safe": "many"},
    ):
        bad = _good()
        bad["curves"]["a"] |= change
        yield bad


@pytest.mark.parametrize("data", [json.dumps(b) for b in _broken()] + ["", "{", "[" * 9999, "\0"])
def test_what_is_no_calibration_is_refused_in_one_sentence(tmp_path, data):
    (tmp_path / "c.json").write_text(data)
    with pytest.raises(ConfigError, match="is no calibration") as info:
        Calibration.load(tmp_path / "c.json")
    assert "\n" not in str(info.value)


def test_a_missing_or_huge_file(tmp_path):
    with pytest.raises(ConfigError):
        Calibration.load(tmp_path / "none.json")
    (tmp_path / "huge.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(ConfigError, match="1 MiB"):
        Calibration.load(tmp_path / "huge.json")


def test_which_towers_are_the_same():
    assert same_weights(TOWER, Identity("colour", "0" * 40, "onnx"))
    assert not same_weights(TOWER, Identity("colour", "0" * 40, "fake", "int8"))
    assert not same_weights(TOWER, Identity("colour", "1" * 40, "fake"))
