"""`provenance audit` as it is typed."""

from __future__ import annotations

import contextlib
import csv
import json
from pathlib import Path

import pytest

from provenance.audit.fail_if import condition
from provenance_cli.main import main
from tests.audit.samples import folder, picture

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = folder(tmp_path_factory.mktemp("data"), 16)
    (where / "train" / "cat" / "copy.png").write_bytes(
        (where / "test" / "cat" / "0001.png").read_bytes()
    )
    (where / "broken.jpg").write_bytes(b"no picture")
    (where / "notes.txt").write_text("no picture either")
    return where


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "audit"
    assert main(["audit", str(data), "-o", str(out), "--pixels", "all"]) == 0
    return out


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)


def test_a_summary_for_people(data: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(data), "-o", str(out), "--pixels", "all"]) == 0
    said = capsys.readouterr().out
    assert "19 files, 17 pictures examined" in said
    assert "4 pictures (23.5%) say or show that they are synthetic" in said
    assert "1  corrupt" in said
    assert "near-duplicates                     2  in 1 group\n" in said
    assert "begin with" in said


def test_a_summary_for_programs(data: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(data), "-o", str(out), "--pixels", "all", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["generated"]["known"] == 4
    assert summary["duplicates"]["leaking_groups"] == 1
    assert summary["counts"]["states"] == {"corrupt": 1, "not-a-picture": 1, "ok": 17}
    assert {p["name"]: p["pictures"] for p in summary["by_split"]} == {"test": 8, "train": 9}
    kept = json.loads((out / "summary.json").read_text())
    assert summary["not_checked"]
    assert summary == {"output": str(out), **kept}


def test_the_report_holds_everything_and_loads_nothing(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert "Near-duplicates" in page
    assert "data:image/jpeg;base64," in page
    assert "default-src &#x27;none&#x27;" in page
    for outside in ("http://", "https://", "<script"):
        assert outside not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("known>1%", 1),
        ("known>50%", 0),
        ("corrupt>0", 1),
        ("corrupt>=2", 0),
        ("leaks>0", 1),
        ("unsafe:nudity>0", 0),
        ("flagged>0", 0),
    ],
)
def test_conditions(data: Path, out: Path, text: str, code: int) -> None:
    command = ["audit", str(data), "-o", str(out), "--pixels", "all", "--fail-if", text]
    assert main(command) == code


@pytest.mark.parametrize("text", ["generated", "generated>5", "much>1%", "known<5%", ""])
def test_what_is_no_condition(data: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(data), "--fail-if", text]) == 2
    assert "error: '" in capsys.readouterr().err


def test_a_condition_that_cannot_be_answered_is_no_pass(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", str(data), "-o", str(tmp_path / "out"), "--pixels", "none"]
    for text in ("generated>5%", "unsafe>0", "flagged>0", "unsafe:nudity>0", "leaks>0"):
        assert main([*command, "--fail-if", text]) == 2
        assert "cannot be answered" in capsys.readouterr().err


def test_a_flag_is_not_unsafe() -> None:
    summary = {
        "counts": {"examined": {"pixels": 9}, "actions": {"flag": 2, "block": 1}},
        "asked": {"moderation": True},
        "pictures": 9,
    }
    assert condition("flagged>=2").met(summary)
    assert not condition("flagged>2").met(summary)
    assert not condition("unsafe>1").met(summary)
    assert condition("unsafe>0").met(summary)


def test_a_dry_run_keeps_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(data), "-o", str(tmp_path / "out"), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["files"], plan["tried"]) == (19, 19)
    assert not (tmp_path / "out").exists()


def test_lists_of_what_is_left(out: Path, tmp_path: Path) -> None:
    lists = {}
    for suffix in ("csv", "jsonl", "parquet", "txt"):
        path = tmp_path / f"left.{suffix}"
        command = ["audit", "export", str(out), "-o", str(path)]
        assert (
            main([*command, "--drop", "generated", "--drop", "duplicate", "--drop", "other"]) == 0
        )
        lists[suffix] = path
    rows = list(csv.DictReader(lists["csv"].read_text().splitlines()))
    assert len(rows) == 13
    assert lists["txt"].read_text().splitlines() == [row["path"] for row in rows]
    assert [json.loads(x)["path"] for x in lists["jsonl"].read_text().splitlines()] == [
        row["path"] for row in rows
    ]
    assert main([*command, "--drop", "generated"]) == 2  # it exists
    assert main(["audit", "export", str(out), "-o", str(tmp_path / "a.xml")]) == 2
    assert main(["audit", "export", str(out), "-o", str(tmp_path / "a.txt"), "--only", "x"]) == 2


def test_a_quarantine_has_copies_and_reasons(data: Path, out: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = ["audit", str(data), "-o", str(out), "--pixels", "all", "--quarantine", str(kept)]
    assert main(command) == 0
    (entry,) = csv.DictReader((kept / "quarantine.csv").read_text().splitlines())
    assert entry["path"] == "broken.jpg"
    assert entry["findings"] == "corrupt"
    assert (kept / entry["file"]).read_bytes() == b"no picture"
    assert (data / "broken.jpg").exists()


def test_a_quarantine_is_not_put_among_other_files(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = folder(tmp_path / "held", 4)
    before = sorted(held.rglob("*"))
    out = str(tmp_path / "out")
    assert main(["audit", str(data), "-o", out, "--pixels", "none", "--quarantine", str(held)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert sorted(held.rglob("*")) == before
    assert not (tmp_path / "out").exists()  # it was seen before the work began


def test_a_quarantine_within_the_dataset_is_no_part_of_it(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 4)
    (data / "broken.jpg").write_bytes(b"no picture")
    for out in ("one", "two"):
        command = ["audit", str(data), "-o", str(tmp_path / out), "--pixels", "none"]
        assert main([*command, "--quarantine", str(data / "quarantine")]) == 0
    summary = json.loads((tmp_path / "two" / "summary.json").read_text())
    assert summary["files"] == 5


@pytest.mark.parametrize("kind", ["called", "unsafe", "flagged", "duplicate", "leak"])
def test_no_list_by_what_was_not_looked_for(
    data: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, left = tmp_path / "out", tmp_path / "left.csv"
    assert main(["audit", str(data), "-o", str(out), "--pixels", "none"]) == 0
    assert main(["audit", "export", str(out), "-o", str(left), "--drop", kind]) == 2
    assert f"'{kind}' was looked for in no picture" in capsys.readouterr().err
    assert not left.exists()
    assert main(["audit", "export", str(out), "-o", str(left), "--drop", "corrupt"]) == 0
    assert "not checked: the pixels of any picture" in capsys.readouterr().err


def test_no_list_of_an_audit_that_was_ended(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from provenance.audit.auditor import Auditor
    from provenance.audit.plan import Asked, Pixels
    from provenance.audit.sources.open import opened

    out = tmp_path / "out"
    Auditor(opened([str(data)]), out, Asked(Pixels.NONE)).plan()
    assert main(["audit", "export", str(out), "-o", str(tmp_path / "left.csv")]) == 2
    assert "holds no finished audit" in capsys.readouterr().err
    assert main(["audit", str(data), "-o", str(out), "--pixels", "none"]) == 0
    next((out / "rows").glob("*.parquet")).unlink()
    capsys.readouterr()
    assert main(["audit", "export", str(out), "-o", str(tmp_path / "left.csv")]) == 2
    assert "was ended before its end" in capsys.readouterr().err


def test_a_finished_audit_says_that_it_looks_no_more(
    data: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(data), "-o", str(out), "--pixels", "all"]) == 0
    assert "what has changed in the dataset since is not in it" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_empty_folder_is_no_clean_dataset(
    tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    command = ["audit", str(tmp_path / "empty"), "-o", str(tmp_path / "out"), *more]
    assert main(command) == 2
    assert "holds no files" in capsys.readouterr().err


def test_help_shows_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--help"]) == 0
    said = capsys.readouterr().out
    assert "provenance audit pictures/ --dry-run   what it would take\n" in said
    assert "PATH... | COMMAND" in said


def test_the_shell_completes_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_PROVENANCE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "provenance audit export x --drop d")
    monkeypatch.setenv("COMP_CWORD", "5")
    with contextlib.suppress(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == ["duplicate"]


def test_what_changed(
    data: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "diff", str(out), str(out)]) == 0
    other = folder(tmp_path / "data", 16)
    (other / "test" / "dog" / "0003.png").write_bytes(picture(3, claimed=True))
    now = tmp_path / "now"
    assert main(["audit", str(other), "-o", str(now), "--pixels", "all"]) == 0
    capsys.readouterr()
    assert main(["audit", "diff", str(out), str(now), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["files"]["gone"], found["files"]["changed"]) == (3, 1)
    assert found["counts"]["claimed"] == {"generated": [4, 5]}
    assert main(["audit", "diff", str(out), str(now)]) == 1
    assert "0 new, 3 gone, 1 changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["/absent"],
        ["--pixels", "some"],
        ["--pixels", "x%"],
        ["--pixels", "0%"],
        ["--engine", "spark"],
        ["diff", "/absent", "/absent"],
        ["export", "/absent", "-o", "x.csv"],
    ],
)
def test_bad_input_is_one_sentence(
    data: Path, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = [] if arguments[0] in ("/absent", "diff", "export") else [str(data)]
    output = [] if arguments[0] in ("diff", "export") else ["-o", str(tmp_path / "out")]
    assert main(["audit", *first, *arguments, *output]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_its_own_folder_is_no_part_of_the_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path / "data", 4)
    monkeypatch.chdir(tmp_path / "data")
    for _ in range(2):
        assert main(["audit", ".", "--pixels", "none", "-o", "audit"]) == 0
    assert capsys.readouterr().out.count("4 files, 4 pictures examined") == 2


def judged(folder: Path, called: int) -> Path:
    """A finished audit of a thousand pictures, two hundred of which were judged."""
    from provenance.audit.plan import Asked
    from provenance.audit.summary import Part, Summary

    summary = Summary(Asked(), ["data"], Part(1000, 0, 200, 200, called), files=1000)
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(summary.to_dict()))
    return folder


def test_how_many_more_are_needed(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = judged(tmp_path / "audit", 12)
    capsys.readouterr()
    assert main(["audit", "needed", str(audit), "--within", "30"]) == 0
    assert "200 judged pictures are enough" in capsys.readouterr().out
    assert main(["audit", "needed", str(audit), "--within", "0.1"]) == 0
    assert "no number of pictures is enough" in capsys.readouterr().out
    assert main(["audit", "needed", str(audit), "--within", "10", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["judged"] == 200
    assert answer["needed"] is None or 200 <= answer["needed"] <= 1000
    assert main(["audit", "needed", str(out)]) == 2
    said = capsys.readouterr().err
    assert "no pixels were judged" in said
    assert "not checked: whether pixels look generated: run provenance models pull" in said
