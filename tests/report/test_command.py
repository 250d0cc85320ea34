"""`verify --html` and `--prior`, called as the console script does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image

from provenance.evidence import Outcome, Result
from provenance_cli.main import verify_main
from provenance_cli.render import legend, report_text
from tests import signed
from tests.report.made import FAILED, HANDS, MARK, SHOT, report


@pytest.fixture
def verify(monkeypatch, tmp_path, capsys) -> Callable[..., tuple[int, str, str]]:
    """Code, stdout and stderr of `verify` without any configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = verify_main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(signed.signed().data)
    return path


def test_one_file_gives_one_page(verify, picture, tmp_path):
    target = tmp_path / "report.html"
    code, out, err = verify(picture, "--html", target)
    assert code == 3
    assert "UNKNOWN" in out
    assert f"report: {target}" in err
    assert "History, as its credentials tell it" in target.read_text(encoding="utf-8")


def test_a_page_that_exists_is_kept(verify, picture, tmp_path):
    target = tmp_path / "report.html"
    target.write_text("mine")
    code, _, err = verify(picture, "--html", target)
    assert code == 2
    assert "--overwrite" in err
    assert target.read_text() == "mine"
    assert verify(picture, "--html", target, "--overwrite")[0] == 3
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_several_files_give_a_folder_with_a_list(verify, picture, tmp_path):
    Image.new("RGB", (50, 50)).save(tmp_path / "b.jpg")
    folder = tmp_path / "reports"
    code, out, _ = verify(
        picture, tmp_path / "b.jpg", tmp_path / "none.png", "--html", folder, "--json"
    )
    assert code == 2
    assert len(out.splitlines()) == 3
    assert sorted(p.name for p in folder.iterdir()) == [
        "0001-a-png.html",
        "0002-b-jpg.html",
        "index.html",
    ]
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "there is no such file" in text


def test_several_files_do_not_fit_on_one_page(verify, picture, tmp_path):
    code, _, err = verify(picture, picture, "--html", tmp_path / "one.html")
    assert code == 2
    assert "name a folder instead" in err
    assert not (tmp_path / "one.html").exists()


def test_a_file_that_is_no_picture_gets_a_page(verify, tmp_path):
    path = tmp_path / "a.svg"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    assert verify(path, "--html", tmp_path / "a.html")[0] == 3
    assert "alert(1)" not in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_prior_is_repeated_and_a_bad_one_refused(verify, picture):
    record = json.loads(verify(picture, "--prior", "0.01", "--json")[1])
    assert record["verdict"]["prior"] == 0.01
    code, _, err = verify(picture, "--prior", "1")
    assert code == 2
    assert "share of generated pictures" in err


def test_the_terminal_names_odds_conflicts_and_places():
    looks = " ".join(report_text(report(HANDS)).split())
    assert "UNKNOWN Probably generated with AI: its pixels look so (hands)" in looks
    assert "how sure By its looks alone, it is generated with a probability of 98.8 %" in looks
    assert "* hands A hand with six fingers." in looks
    assert "hand with six fingers: columns 4 to 30, rows 4 to 40" in looks
    assert "false positives: 0.4 % of other pictures" in looks
    conflict = " ".join(report_text(report(SHOT, MARK)).split())
    assert "result conflicting" in conflict
    assert "conflict The Content Credentials say that a camera took the picture" in conflict
    failed = " ".join(report_text(report(FAILED, HANDS)).split())
    assert "result probably generated with AI, by its looks" in failed


def test_many_places_are_counted():
    many = replace(HANDS, boxes=HANDS.boxes * 10)
    assert "and 14 places more" in report_text(report(many))


def test_the_legend_names_looks_only_where_they_occur():
    seen = report(HANDS)
    assert "* looks so" in legend({e.status for e in seen.evidence})
    assert "* looks so" not in legend({e.status for e in report().evidence})
    assert seen.verdict.outcome is Outcome.UNKNOWN
    assert seen.verdict.result is Result.GENERATED
