"""Pipes that close, streams that are closed, names that lead nowhere: a sentence, and code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = "import sys; from provenance_cli.main import main; sys.exit(main(sys.argv[1:]))"


def shell(config, folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    line = command.replace("PROVENANCE", f"{sys.executable} -c '{SCRIPT}'")
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PROVENANCE_CONFIG": str(config.path), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        "PROVENANCE verify photo.png | true; exit ${PIPESTATUS[0]}",
        "PROVENANCE verify - <&-",
        "PROVENANCE verify photo.png > /dev/full",
    ],
)
def test_streams_that_fail_are_errors_without_a_traceback(config, photo, command):
    done = shell(config, photo.parent, command)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "This is a bug" not in done.stderr


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "loop.png", ""])
def test_names_that_lead_nowhere(cli, photo, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for arguments in (("protect", name, "-o", tmp_path / "o.png"), ("protect", photo, "-o", name)):
        result = cli(*arguments)
        assert result.code == 2, arguments
        assert result.is_one_sentence(), result.err
        assert "This is a bug" not in result.err


def test_skipped_files_of_a_folder_are_named(cli, photo, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    photo.rename(folder / "ok.png")
    (folder / "x.heic").write_bytes(b"x")
    (folder / "link.png").symlink_to(folder / "ok.png")
    result = cli("protect", folder, "-o", tmp_path / "out")
    assert result.code == 0
    assert "skipped: " in result.err
    assert {"x.heic", "link.png"} <= {Path(x.split(": ")[1]).name for x in result.err.splitlines()}


def test_errors_before_any_file_are_json_too(cli, photo, tmp_path):
    result = cli("protect", photo, "-o", photo, "--json")
    assert result.code == 2
    assert result.lines[0]["error"]["kind"] == "OutputError"


def test_signed_file_does_not_go_to_a_file_called_minus(cli, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    assert cli("sign", tmp_path / "a.png", "-o", "-").code == 2
