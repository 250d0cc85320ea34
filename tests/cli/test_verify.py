"""`verify`: the states, the exit codes, and what people and programs read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from provenance import home
from provenance_cli.main import verify_main


@pytest.fixture
def protected(cli, photo, tmp_path) -> Path:
    target = tmp_path / "protected.jpg"
    assert cli("protect", photo, "-o", target).code == 0
    return target


def test_both_scripts_are_the_same_command(cli, protected):
    long, short = cli("verify", protected), cli.verify(protected)
    assert long.code == short.code == 0
    assert long.out == short.out


def test_text_names_verdict_signer_mark_and_rate(cli, protected):
    out = cli("verify", protected).out
    assert "VERIFIED       Generated with AI: signed by Provenance development signer" in out
    assert "false positives: 1 in 10^" in out
    assert "created by test-generator" in out


def test_stripped_copy_is_recognised_by_its_mark(cli, protected, tmp_path):
    with Image.open(protected) as picture:
        picture.save(tmp_path / "stripped.jpg", quality=80)
    result = cli("verify", tmp_path / "stripped.jpg", "--json")
    assert result.code == 0
    (report,) = result.lines
    assert report["verdict"]["because"] == ["watermark.found", "recovery.found-by-watermark"]
    assert report["verdict"]["origin"] == "generated"
    assert report["evidence"][1]["false_positive_rate"] <= 1e-6


def test_tampered_copy_fails(cli, protected, tmp_path):
    data = bytearray(protected.read_bytes())
    data[-2000] ^= 0x15
    (tmp_path / "tampered.jpg").write_bytes(data)
    result = cli("verify", tmp_path / "tampered.jpg")
    assert result.code == 1
    assert "FAILED" in result.out


def test_plain_photograph_is_unknown(cli, photo, tmp_path):
    result = cli("verify", photo, "--config", home.create(tmp_path / "own").config)
    assert result.code == 3
    assert "UNKNOWN        Nothing was found that can be relied upon." in result.out


def test_without_configuration_it_says_what_was_not_checked(cli, protected, monkeypatch):
    monkeypatch.delenv("PROVENANCE_CONFIG")
    result = cli("verify", protected)
    assert result.code == 3
    assert "not on your trust list" in " ".join(result.out.split())
    assert "? watermark" in result.out


def test_several_files_give_one_line_each_and_the_worst_code(cli, protected, photo, tmp_path):
    result = cli("verify", protected, photo, tmp_path / "none.png", "--json")
    assert result.code == 2
    assert [line.get("verdict", {}).get("outcome") for line in result.lines] == [
        "verified",
        "unknown",
        None,
    ]
    assert result.lines[2]["error"]["kind"] == "InputError"


def test_stdin(protected, monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(protected.read_bytes())))
    assert verify_main(["-"]) == 0
    assert b"VERIFIED" in capsysbinary.readouterr().out


def test_hostile_metadata_cannot_reach_the_terminal(cli, photo, tmp_path):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "x\nSteps: 20, Sampler: Euler, Seed: 1, Version: \x1b[2Jevil\u202e")
    with Image.open(photo) as picture:
        picture.save(tmp_path / "a.png", pnginfo=info)
    out = cli("verify", tmp_path / "a.png").out
    assert "evil" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
