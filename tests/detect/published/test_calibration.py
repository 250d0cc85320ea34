"""The threshold comes from one half, the rates from the other; few pictures are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.detect.published.calibration import ENOUGH, Calibration, Rate, calibrate
from provenance.errors import ConfigError, InputError
from provenance.verify.fusion import fuse


def scored(centre: float, pictures: int, sources: int, seed: int = 0) -> list[tuple[str, float]]:
    rng = np.random.default_rng(seed)
    return [(f"s{at % sources}", float(rng.normal(centre, 1))) for at in range(pictures)]


def made(real: float = -4.0, generated: float = 4.0) -> Calibration:
    return calibrate("m", "d", scored(real, 400, 40), scored(generated, 400, 40, 1))


def test_a_good_detector_gets_a_weight():
    found = made()
    assert found.found.rate > 0.9
    assert found.wrong.rate < 0.05
    assert found.found.pictures + found.wrong.pictures == 400
    weight = found.weight
    assert 1 < weight.low <= weight.ratio <= weight.high < np.inf


def test_a_coin_gets_none_that_counts():
    assert made(0, 0).weight.low < 1


def test_sources_stay_together():
    """A source that is wholly above the threshold of the others counts as wrong, not as tuned."""
    real = [("odd", 9.0)] * 100 + [(f"s{i}", -1.0 - i / 100) for i in range(100)]
    found = calibrate("m", "d", real, scored(4, 100, 10))
    assert found.wrong.rate in (0.0, 1.0)


@pytest.mark.parametrize(("pictures", "sources"), [(0, 1), (30, 30), (200, 1)])
def test_too_few_are_refused(pictures, sources):
    with pytest.raises(InputError, match=f"at least {ENOUGH} in each"):
        calibrate("m", "d", scored(0, pictures, sources), scored(0, 200, 20))


def test_no_number_is_refused():
    real = scored(0, 100, 10)
    real[7] = ("s7", float("nan"))
    with pytest.raises(InputError, match="no number"):
        calibrate("m", "d", real, scored(0, 100, 10))


def test_it_comes_back_from_its_file(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_bytes(made().to_json())
    assert Calibration.read(path) == made()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"threshold": "NaN"},
        {"threshold": None},
        {"found": {}},
        {"wrong": {"rate": 0.5, "low": 0.6, "high": 0.7, "pictures": 100}},
        {"wrong": {"rate": 0.0, "low": 0.0, "high": 0.1, "pictures": 1}},
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path, change):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(json.loads(made().to_json()) | change))
    with pytest.raises(ConfigError, match="calibrat"):
        Calibration.read(path)


@given(st.binary(max_size=200))
def test_damage_is_one_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "calibration.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="calibrate again"):
        Calibration.read(path)


@given(
    st.integers(ENOUGH, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(ENOUGH, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_every_count_gives_an_ordered_weight(found, wrong):
    weight = Calibration("m", "d", 0.0, Rate.of(*found), Rate.of(*wrong)).weight
    assert 0 <= weight.low <= weight.ratio <= weight.high < np.inf


def test_nothing_counts_without_evidence():
    assert fuse(()) is None
