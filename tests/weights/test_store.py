"""The store gives what is pinned, and nothing else."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from pathlib import Path

import pytest

from provenance.errors import ConfigError
from provenance.weights import store as module
from provenance.weights.interface import PullFailed, WeightsMissing, WeightStore
from provenance.weights.pull import pull
from provenance.weights.store import State, Store, default_root
from tests.weights.conftest import FILES, QUICK


def problems(store):
    return {f.file: f.problem for f in store.verify("small") if f.problem}


@pytest.fixture
def full(store, hub):
    pull(store, "small", QUICK)
    return store


@pytest.fixture
def folder(full):
    return full.root / "small" / "1"


def test_what_is_absent_is_said_with_the_command(store):
    with pytest.raises(
        WeightsMissing, match=r"not on this machine; run: provenance models pull small"
    ):
        store.get("small")
    assert store.entry("small").state is State.ABSENT
    assert not store.root.exists()


def test_the_exception_crosses_processes():
    error = WeightsMissing("small", "the message")
    again = pickle.loads(pickle.dumps(error))
    assert (again.model, str(again)) == ("small", "the message")


def test_it_is_a_weight_store(store):
    used: WeightStore = store
    assert used.get


def test_an_unknown_model_is_not_a_missing_one(store):
    with pytest.raises(ConfigError, match=r"did you mean small\?"):
        store.get("smal")


def test_a_file_of_the_right_size_is_still_hashed(full, folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert full.entry("small").state is State.HERE
    with pytest.raises(WeightsMissing, match=r"model\.safetensors is damaged: SHA-256"):
        full.get("small")
    assert list(problems(full)) == ["model.safetensors"]


def test_a_file_is_hashed_once_until_it_changes(full, folder, monkeypatch):
    full.get("small")
    hashed = []
    real = module.hashlib.file_digest
    monkeypatch.setattr(
        module.hashlib, "file_digest", lambda f, a: hashed.append(f.name) or real(f, a)
    )
    full.get("small")
    assert hashed == []
    (folder / "config.json").write_bytes(FILES["config.json"])  # the same bytes, written again
    full.get("small")
    assert hashed == [str(folder / "config.json")]
    list(full.verify("small"))
    assert len(hashed) == 3


def test_an_older_time_stamp_does_not_hide_a_change(full, folder):
    path = folder / "config.json"
    full.get("small")
    stat = path.stat()
    path.write_bytes(FILES["config.json"].replace(b"clip", b"evil"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(WeightsMissing, match="damaged"):
        full.get("small")


def test_a_missing_file_is_found(full, folder):
    (folder / "config.json").unlink()
    assert full.entry("small").state is State.INCOMPLETE
    assert problems(full) == {"config.json": "is missing"}
    with pytest.raises(WeightsMissing, match=r"config\.json is missing"):
        full.get("small")


def test_a_stranger_in_the_folder_is_found(full, folder):
    (folder / ".DS_Store").touch()
    full.get("small")
    (folder / "pytorch_model.bin").write_bytes(b"x")
    assert problems(full) == {"pytorch_model.bin": "is not of this model; delete it"}
    with pytest.raises(WeightsMissing, match=r"pytorch_model\.bin is not of this model"):
        full.get("small")


def test_removed_is_gone(full):
    size = sum(map(len, FILES.values()))
    assert full.remove("small") == size
    assert full.entry("small").state is State.ABSENT
    assert sorted(p.name for p in full.root.iterdir()) == [".locks"]


@pytest.mark.parametrize("name", ["small", "..", ".", "", ".locks", "a/b", "/etc"])
def test_only_models_are_removed(store, name):
    (store.root / ".locks").mkdir(parents=True)
    with pytest.raises(ConfigError, match="nothing of"):
        store.remove(name)
    assert (store.root / ".locks").is_dir()


def test_a_file_made_from_the_others_is_kept_and_checked(full, folder, tmp_path):
    made = tmp_path / "converted"
    made.write_bytes(b"\x08\x07onnx")
    with pytest.raises(ConfigError, match="refused"):
        full.add("small", "model.bin", made)
    with pytest.raises(ConfigError, match="is a file of small itself"):
        full.add("small", "config.json", made)
    assert full.add("small", "model.onnx", made) == folder / "model.onnx"
    assert full.get("small").files["model.onnx"].read_bytes() == b"\x08\x07onnx"
    assert pull(full, "small", QUICK).fetched == ()
    (folder / "model.onnx").write_bytes(b"\x08\x07evil")
    with pytest.raises(WeightsMissing, match=r"model\.onnx is damaged"):
        full.get("small")
    made.write_bytes(pickle.dumps([1]))
    (folder / "model.onnx").write_bytes(b"\x08\x07onnx")
    with pytest.raises(PullFailed, match="pickle"):
        full.add("small", "more.onnx", made)
    full.get("small")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"revision": "1", "files": {"x.onnx": {}}}',
     '{"revision": "../..", "files": {}}',
     '{"revision": "1", "files": {"../x.onnx": {"sha256": "", "size": 1}}}',
     '{"revision": "1", "files": {"x.onnx": {"sha256": "' + "a" * 64 + '", "size": -1}}}'],
)  # fmt: skip
def test_a_damaged_lock_file_is_one_sentence(full, text):
    (full.root / "small" / "lock.json").write_text(text)
    with pytest.raises(ConfigError, match=r"lock\.json"):
        full.get("small")
    full.remove("small")


def test_a_lock_file_cannot_replace_what_the_catalogue_pins(full, folder):
    evil = b"\x08evil"
    (folder / "config.json").write_bytes(b'{"evil": 1}')
    digest = module.sha256_of(folder / "config.json")
    pins = f'{{"revision": "1", "files": {{"config.json": {{"sha256": "{digest}", "size": 11}}}}}}'
    (full.root / "small" / "lock.json").write_text(pins)
    assert evil
    with pytest.raises(WeightsMissing, match=r"config\.json is damaged"):
        full.get("small")


def test_the_folder_follows_the_platform(monkeypatch, tmp_path):
    assert default_root() == tmp_path / "models"
    monkeypatch.delenv("PROVENANCE_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_root() == tmp_path / "provenance" / "models"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".local" / "share" / "provenance" / "models"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert default_root() == tmp_path / "Local" / "provenance" / "models"
    monkeypatch.setenv("PROVENANCE_MODELS", "here")
    assert default_root() == Path.cwd() / "here"


def test_a_store_may_be_moved(full, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(full.root, moved)
    assert Store(moved, full.catalogue).get("small")
