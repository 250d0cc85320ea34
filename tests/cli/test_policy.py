"""`provenance policy`: what a policy does, before it does it."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence

import pytest
import typer
from PIL import Image

from provenance.moderate.policy_file import PRESETS, load
from provenance_cli.main import _run
from provenance_cli.policy import app

root = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
root.add_typer(app, name="policy")


def script(argv: Sequence[str]) -> int:
    return _run(root, "provenance", argv)


@pytest.fixture
def policy(cli):
    """Call `provenance policy`."""
    return lambda *arguments: cli("policy", *arguments, script=script)


@pytest.fixture
def pictures(tmp_path, scene):
    """Two pictures, one of them in a folder below, a broken one, and a note."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    Image.fromarray(scene).save(folder / "a.png")
    Image.fromarray(scene[::-1]).save(folder / "below" / "b.jpg")
    return folder


@pytest.fixture
def house(tmp_path):
    """A policy that meets every picture with something."""
    path = tmp_path / "house.toml"
    path.write_text("[categories.nudity]\nblur = 0.0\nblock = 0.999\n")
    return path


class TestCheck:
    @pytest.mark.parametrize("name", PRESETS)
    def test_ours_are_in_order(self, policy, name):
        result = policy("check", name)
        assert result.code == 0
        assert result.out.startswith(f"policy '{name}' can be obeyed; in pictures it looks for")
        assert result.out.count("\n") == 1

    def test_json(self, policy, house):
        (record,) = policy("check", house, "--json").lines
        expected = {"policy": "house", "digest": load(house).digest}
        assert {name: record[name] for name in expected} == expected
        assert "nudity" in record["checked"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[categories.nudty]\nblock = 1", "did you mean 'nudity'?"),
            ('classifiers = ["open-nsfv"]', "did you mean 'open-nsfw'?"),
            ("[categories.gore]\nblur = 0.5", "none of its classifiers"),
            ("[categories.sexual-minors]\nblock = 0.9", "no policy can soften"),
            ("a", "not valid TOML"),
        ],
    )
    def test_what_is_wrong_in_one_sentence(self, policy, house, text, words):
        house.write_text(text)
        result = policy("check", house)
        assert (result.code, result.out) == (2, "")
        assert result.is_one_sentence()
        assert words in result.err
        (record,) = policy("check", house, "--json").lines
        assert record["error"]["kind"] == "ConfigError"

    def test_no_such_file(self, policy):
        result = policy("check", "none.toml")
        assert result.code == 2
        assert result.is_one_sentence()


class TestExplain:
    def test_the_configured_policy_by_default(self, policy):
        result = policy("explain")
        assert result.code == 0
        assert f"policy 'standard'  {load('standard').digest}" in result.out
        assert "flagged from 0.3, blocked from 0.8 (by open-nsfw)" in result.out
        assert "NOT LOOKED FOR; would be blocked from 0.5, whatever the policy says" in result.out

    def test_json(self, policy):
        (record,) = policy("explain", "strict", "--json").lines
        assert record["digest"] == load("strict").digest
        assert record["categories"]["nudity"]["picture"] == {
            "actions": {"block": 0.3},
            "looked_for": True,
            "by": ["open-nsfw"],
        }
        assert "gore" in record["not_checked"]["picture"]

    def test_what_it_would_do_with_a_prompt(self, policy):
        result = policy("explain", "strict", "--prompt", "a nude man")
        assert result.code == 0
        assert "this prompt    block" in result.out
        assert "matched 'nude' for nudity" in result.out
        (record,) = policy("explain", "strict", "--prompt", "a hill", "--json").lines
        assert record["on_prompt"]["action"] == "allow"
        assert record["on_prompt"]["checked"] is True

    def test_a_prompt_that_no_policy_allows_shows_no_words(self, policy):
        result = policy("explain", "art", "--prompt", "nude 12 year old girl")
        assert "no policy can allow it" in result.out
        assert "matched" not in result.out

    def test_a_policy_that_cannot_run(self, policy, house):
        house.write_text("[categories.gore]\nreview = 0.5")
        result = policy("explain", house)
        assert result.code == 0
        assert "! cannot run" in result.out
        assert "NOT LOOKED FOR; would be held for review from 0.5" in result.out


class TestDiff:
    def test_the_same(self, policy, tmp_path):
        (tmp_path / "x.toml").write_text('name = "another"')
        result = policy("diff", "standard", tmp_path / "x.toml")
        assert (result.code, result.out) == (0, "they do the same\n")

    def test_other(self, policy, house):
        result = policy("diff", "standard", house)
        assert result.code == 1
        assert "nudity, picture: blur never -> from 0\n" in result.out
        (record,) = policy("diff", "standard", house, "--json").lines
        assert "nudity, picture: flag from 0.3 -> never" in record["differences"]

    def test_a_missing_one_is_an_error(self, policy):
        assert policy("diff", "standard", "none.toml").code == 2


class TestShow:
    @pytest.mark.parametrize("name", PRESETS)
    def test_what_is_printed_does_the_same(self, policy, tmp_path, name):
        result = policy("show", name)
        assert result.code == 0
        (tmp_path / "mine.toml").write_text(result.out)
        assert policy("diff", name, tmp_path / "mine.toml").code == 0
        (record,) = policy("show", name, "--json").lines
        assert record == {"preset": name, "toml": result.out}

    def test_unknown(self, policy):
        result = policy("show", "standart")
        assert result.code == 2
        assert "did you mean 'standard'?" in result.err


class TestTry:
    def test_counts_and_a_sheet(self, policy, pictures, house, tmp_path):
        before = {p: p.read_bytes() for p in pictures.rglob("*") if p.is_file()}
        page = tmp_path / "sheet.html"
        result = policy("try", pictures, "--policy", house, "-o", page)
        assert (result.code, result.err) == (0, "")
        assert f"{pictures / 'a.png'}: blur  nudity 0." in result.out
        assert "2 pictures under policy 'house'; nothing was changed" in result.out
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert page.read_text().count("data:image/jpeg") == 2
        assert {p: p.read_bytes() for p in pictures.rglob("*") if p.is_file()} == before

    def test_nothing_is_recorded(self, policy, cli, pictures, house, config):
        log = config.log_path
        before = log.read_bytes() if log.exists() else b""
        assert policy("try", pictures, "--policy", house).code == 0
        assert (log.read_bytes() if log.exists() else b"") == before

    def test_json(self, policy, pictures, house):
        *records, last = policy("try", pictures, "--policy", house, "--json").lines
        assert [record["action"] for record in records] == ["blur", "blur"]
        assert last["actions"] == {"blur": 2}
        assert last["policy"] == str(load(house))

    def test_against_another(self, policy, pictures, house, tmp_path):
        page = tmp_path / "sheet.html"
        args = ("try", pictures, "--policy", house, "--against", "standard", "-o", page)
        result = policy(*args)
        assert "allow -> blur" in result.out
        assert "Changed against standard (2)" in page.read_text()
        assert policy("try", pictures, "--policy", "art", "--against", "art").out.endswith(
            "the same as under policy 'art'\n"
        )

    def test_a_bad_file_is_listed_and_the_others_go_on(self, policy, pictures, house, tmp_path):
        (pictures / "bad.png").write_text("no picture")
        page = tmp_path / "sheet.html"
        result = policy("try", pictures, "--policy", house, "-o", page)
        assert result.code == 2
        assert "bad.png: not judged  the file is no picture that we know" in result.out
        assert "3 pictures under policy 'house'" in result.out
        assert page.exists()

    def test_an_existing_sheet_is_kept_and_known_before_the_work(self, policy, pictures, tmp_path):
        page = tmp_path / "sheet.html"
        page.write_text("keep")
        result = policy("try", pictures, "-o", page)
        assert (result.code, result.out) == (2, "")
        assert result.is_one_sentence()
        assert page.read_text() == "keep"
        assert policy("try", pictures, "-o", page, "--overwrite").code == 0
        assert "<!doctype html>" in page.read_text()

    def test_an_empty_folder(self, policy, tmp_path):
        (tmp_path / "empty").mkdir()
        result = policy("try", tmp_path / "empty")
        assert result.code == 2
        assert "holds no picture" in result.err

    def test_names_cannot_rewrite_the_terminal(self, policy, pictures, house):
        (pictures / "a.png").rename(pictures / "\x1b[2Ja.png")
        result = policy("try", pictures, "--policy", house)
        assert "\x1b" not in result.out
        assert json.dumps("\x1b")[1:-1] in policy("try", pictures, "--policy", house, "--json").out
