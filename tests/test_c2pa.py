"""The door to the native library: opened safely, by one thread at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provenance import _c2pa
from provenance.errors import ConfigError
from tests import signed


def test_the_library_is_the_packages_own():
    c2pa = _c2pa.load()
    assert c2pa is _c2pa.load()
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        pytest.skip("needs Linux")
    loaded = {line.split()[-1] for line in maps.read_text().splitlines() if "c2pa_c" in line}
    assert loaded == {str(Path(c2pa.__file__).parent / "libs" / "libc2pa_c.so")}


def test_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.delenv("C2PA_LIBRARY_NAME", raising=False)
    _c2pa._load()
    assert "C2PA_LIBRARY_NAME" not in os.environ
    monkeypatch.setenv("C2PA_LIBRARY_NAME", "anything")
    _c2pa._load()
    assert os.environ["C2PA_LIBRARY_NAME"] == "anything"


RACE = """
import os, threading
from concurrent.futures import ThreadPoolExecutor
from provenance import _c2pa

gate = threading.Barrier(8)
def load(_):
    gate.wait()
    return _c2pa.load()
with ThreadPoolExecutor(8) as pool:
    assert len(set(pool.map(load, range(8)))) == 1
assert "C2PA_LIBRARY_NAME" not in os.environ
"""


def test_threads_that_load_together():
    environment = {k: v for k, v in os.environ.items() if k != "C2PA_LIBRARY_NAME"}
    subprocess.run([sys.executable, "-c", RACE], check=True, timeout=60, env=environment)


def test_a_missing_library_is_said_so(monkeypatch):
    monkeypatch.setattr(_c2pa, "_LIBRARY", "no-such-library.so")
    with pytest.raises(_c2pa.ProvenanceError, match="is not there; reinstall with: pip install"):
        _c2pa._load()


def test_nothing_is_fetched_and_nothing_is_drawn():
    made = _c2pa.settings()
    assert made["verify"]["remote_manifest_fetch"] is False
    assert made["verify"]["ocsp_fetch"] is False
    assert made["core"]["allowed_network_hosts"] == []
    assert made["builder"]["thumbnail"]["enabled"] is False
    assert "anchors" not in made["trust"]


def test_anchors_are_for_manifests_alone():
    first, second = _c2pa.settings(["a", "b"])["trust"]["anchors"]
    assert first["trust_anchors"] == "a"
    assert {first["trust_kind"], second["trust_kind"]} == {"manifest"}
    assert first["trust_uri"] != second["trust_uri"]


def test_anchors_are_checked():
    good = signed.chain().anchors.decode()
    assert _c2pa.check_anchors(good) == good
    with pytest.raises(ConfigError, match="expected certificates in PEM"):
        _c2pa.check_anchors("nothing")
