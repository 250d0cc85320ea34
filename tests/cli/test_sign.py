"""`provenance sign`: any file, any statement, read back before it is written."""

from __future__ import annotations

import re

import pytest
from PIL import Image


def credentials(cli, path) -> dict:
    return cli("verify", path, "--json").lines[0]["evidence"][0]


def test_created(cli, photo, tmp_path):
    args = ("sign", photo, "-o", tmp_path / "s.png", "--model", "m", "--seed", "7", "--json")
    (record,) = cli(*args).lines
    found = credentials(cli, tmp_path / "s.png")
    assert found["code"] == "credentials.trusted"
    assert found["details"]["manifest_id"] == record["manifest_id"]
    assert record["kept_history"] is False


def test_a_gif_and_a_video_kind_are_signed(cli, tmp_path):
    Image.new("P", (64, 64)).save(tmp_path / "a.gif")
    assert cli("sign", tmp_path / "a.gif", "-o", tmp_path / "b.gif").code == 0
    assert credentials(cli, tmp_path / "b.gif")["code"] == "credentials.trusted"


def test_edited_keeps_the_history(cli, photo, tmp_path):
    cli("sign", photo, "-o", tmp_path / "one.png")
    result = cli("sign", tmp_path / "one.png", "-o", tmp_path / "two.png", "--edit", "relit")
    assert "its history is kept" in result.out
    actions = [a["action"] for a in credentials(cli, tmp_path / "two.png")["details"]["actions"]]
    assert actions == ["c2pa.opened", "c2pa.edited"]


def test_references_and_parts_become_ingredients(cli, photo, tmp_path):
    args = ("sign", photo, "-o", tmp_path / "s.png", "--reference", photo, "--placed", photo)
    assert cli(*args).code == 0
    found = credentials(cli, tmp_path / "s.png")["details"]["ingredients"]
    assert sorted(i["relationship"] for i in found) == ["componentOf", "inputTo"]


@pytest.mark.parametrize("form", ["none", "commitment", "hash"])
def test_prompt_is_not_published_as_text(cli, photo, tmp_path, form):
    args = ("sign", photo, "-o", tmp_path / "s.png", "--prompt", "xyzzy-plugh", "--prompt-as", form)
    result = cli(*args)
    assert result.code == 0
    assert b"xyzzy" not in (tmp_path / "s.png").read_bytes()
    assert bool(re.search(r"shown only now: [0-9a-f]{64}", result.out)) is (form == "commitment")


def test_prompt_is_published_when_asked(cli, photo, tmp_path):
    args = ("--prompt", "xyzzy-plugh", "--prompt-as", "text")
    assert cli("sign", photo, "-o", tmp_path / "s.png", *args).code == 0
    assert b"xyzzy-plugh" in (tmp_path / "s.png").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--source-type", "nonsense"),
        ("--prompt-as", "loud"),
        ("--prompt-as", "hash"),
        ("--parent", "none.png"),
    ],
)
def test_bad_arguments(cli, photo, tmp_path, arguments):
    result = cli("sign", photo, "-o", tmp_path / "s.png", *arguments)
    assert result.code == 2
    assert result.is_one_sentence()
    assert not (tmp_path / "s.png").exists()


def test_what_cannot_be_signed(cli, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    result = cli("sign", tmp_path / "a.txt", "-o", tmp_path / "b.txt")
    assert result.code == 2
    assert not (tmp_path / "b.txt").exists()
