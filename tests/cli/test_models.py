"""`provenance models`: thin, one sentence for each refusal, exit codes as everywhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from provenance_cli import exit_codes
from tests.weights.hub import Hub, entry, serve, sha256, some_safetensors

FILES = {"model.safetensors": some_safetensors(), "config.json": b'{"model_type": "clip"}\n'}


@pytest.fixture
def hub():
    made = Hub({f"/small/{name}": data for name, data in FILES.items()})
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def own(tmp_path, hub, monkeypatch) -> Path:
    """A catalogue with `small`, which is pinned, and `loose`, which is not."""
    for name in ("PROVENANCE_OFFLINE", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path / "models"))
    path = tmp_path / "own.toml"
    base = f"{hub.base}/small"
    path.write_text(entry("small", base, FILES) + entry("loose", base, FILES, pinned=False))
    return path


def test_all_are_listed(cli, own):
    result = cli("models", "list", "--catalogue", own)
    assert result.code == exit_codes.OK
    assert "siglip2-base-patch16-224  1.54 GB  absent, pinned" in result.out
    assert "loose  size unknown  absent, not pinned" in result.out
    records = {r["model"]: r for r in cli("models", "list", "--catalogue", own, "--json").lines}
    assert records["small"]["state"] == "absent"
    assert records["small"]["files"]["config.json"]["sha256"] == sha256(FILES["config.json"])
    assert records["loose"]["pinned"] is False


def test_pull_verify_remove(cli, own, tmp_path):
    result = cli("models", "pull", "small", "--catalogue", own)
    assert result.code == exit_codes.OK
    assert f"{sha256(FILES['config.json'])}  config.json" in result.out
    assert result.err == ""
    (record,) = cli("models", "pull", "small", "--catalogue", own, "--json").lines
    assert (record["state"], record["fetched"]) == ("here", [])
    result = cli("models", "verify", "small", "--catalogue", own)
    assert (result.code, result.out.count("is sound")) == (exit_codes.OK, 2)
    assert cli("models", "verify", "--catalogue", own).out == result.out
    path = tmp_path / "models" / "small" / "1" / "config.json"
    path.write_bytes(b"{}")
    result = cli("models", "verify", "--catalogue", own)
    assert result.code == exit_codes.FAILED
    assert "! small  config.json  is damaged" in result.out
    found = cli("models", "verify", "--catalogue", own, "--json").lines
    assert [bool(f["problem"]) for f in found] == [False, True]
    result = cli("models", "remove", "small", "--yes")
    assert result.code == exit_codes.OK
    assert not path.exists()
    result = cli("models", "verify", "--catalogue", own)
    assert (result.code, result.out.startswith("no models in")) == (exit_codes.OK, True)
    assert cli("models", "verify", "small", "--catalogue", own).code == exit_codes.FAILED


def test_nobody_is_asked_in_a_pipe(cli, own):
    cli("models", "pull", "small", "--catalogue", own)
    result = cli("models", "remove", "small")
    assert (result.code, result.is_one_sentence()) == (exit_codes.ERROR, True)
    assert "give --yes" in result.err


def test_a_model_that_is_not_pinned(cli, own):
    result = cli("models", "pull", "loose", "--catalogue", own)
    assert (result.code, result.is_one_sentence()) == (exit_codes.ERROR, True)
    assert "--sha256 config.json=HASH" in result.err
    pins = [f"--sha256={name}={sha256(data).upper()}" for name, data in FILES.items()]
    result = cli("models", "pull", "loose", "--catalogue", own, "--revision", "7", *pins)
    assert result.code == exit_codes.OK
    (record,) = [r for r in cli("models", "list", "--catalogue", own, "--json").lines
                 if r["model"] == "loose"]  # fmt: skip
    assert (record["pinned"], record["revision"], record["state"]) == (True, "7", "here")


def test_a_folder_is_imported(cli, own, tmp_path):
    folder = tmp_path / "usb"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    result = cli("models", "pull", "loose", "--catalogue", own, "--from", folder, "--offline")
    assert result.code == exit_codes.OK
    for name, data in FILES.items():
        assert f"{sha256(data)}  {name}" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull", "smal"], "did you mean small?"),
        (["pull", "small", "--offline"], "--offline; take the files from a folder"),
        (["pull", "small", "--from", "/nowhere"], "/nowhere holds no model.safetensors"),
        (["pull", "loose", "--sha256", "abc"], "expected FILE=HASH"),
        (["pull", "small", "--revision", "2"], "is pinned to revision 1"),
        (["verify", "smal"], "did you mean small?"),
    ],
)
def test_refusals_are_one_sentence(cli, own, arguments, said):
    result = cli("models", *arguments, "--catalogue", own)
    assert (result.code, result.is_one_sentence()) == (exit_codes.ERROR, True)
    assert said in result.err


def test_removing_nothing_is_one_sentence(cli, own):
    result = cli("models", "remove", "../../etc", "--yes")
    assert (result.code, result.is_one_sentence()) == (exit_codes.ERROR, True)


def test_a_broken_server_is_one_sentence(cli, own, hub):
    del hub.files["/small/model.safetensors"]
    result = cli("models", "pull", "small", "--catalogue", own, "--json")
    assert (result.code, result.is_one_sentence()) == (exit_codes.ERROR, True)
    assert result.lines[0]["error"]["kind"] == "PullFailed"


def test_a_person_sees_a_bar(own, hub, tmp_path):
    hub.pause_s = 0.02
    reader, writer = pty.openpty()
    code = "import sys; from provenance_cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "models", "pull", "small", "--catalogue", str(own)]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(command, stderr=writer, stdout=subprocess.PIPE, env=env, check=False)
    os.close(writer)
    drawn = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert done.returncode == 0
    assert "model.safetensors" in drawn
    assert "kB" in drawn
    assert b"model.safetensors" in done.stdout
