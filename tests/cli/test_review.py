"""`provenance review`: a person decides, and what is approved leaves marked and signed."""

from __future__ import annotations

import getpass
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import typer

from provenance import Picture, home
from provenance_cli.main import _run
from provenance_cli.review import app

root = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
root.add_typer(app, name="review")
NO_TICKET = "20260101T000000-000000000000"


def script(argv: Sequence[str]) -> int:
    return _run(root, "provenance", argv)


@pytest.fixture
def own(tmp_path) -> Path:
    """A configuration whose policy has every picture looked at."""
    made = home.create(tmp_path / "own").config
    made.with_name("all.toml").write_text("[categories.nudity]\nreview = 0.0\n")
    made.write_text(made.read_text().replace('policy = "standard"', 'policy = "all.toml"'))
    return made


@pytest.fixture
def review(cli, own):
    """Call `provenance review` under `own`."""

    def call(command: str, *arguments: str | Path):
        return cli("review", command, *arguments, "--config", own, script=script)

    return call


@pytest.fixture
def hold(cli, own, photo, tmp_path):
    """Have a picture held, and return its ticket."""

    def call(prompt: str = "a quiet hill") -> str:
        args = ("protect", photo, "-o", tmp_path / "never.png", "--config", own, "--json")
        result = cli(*args, "--prompt", prompt)
        assert result.code == 1
        assert not (tmp_path / "never.png").exists()
        error = result.lines[0]["error"]
        assert set(error) == {"kind", "message", "category", "policy", "ticket"}
        return error["ticket"]

    return call


def test_nothing_waits(review):
    result = review("list")
    assert (result.code, result.out) == (0, "")
    assert "nothing waits in" in result.err


def test_what_waits_is_listed(review, hold):
    tickets = [hold(), hold()]
    lines = review("list").out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(tickets)
    assert all("nudity  (policy 'all')" in line for line in lines)
    records = review("list", "--json").lines
    assert [record["ticket"] for record in records] == sorted(tickets)
    assert records[0]["moderation"]["findings"][-1]["category"] == "nudity"


def test_one_is_shown_with_its_picture(review, hold, photo, tmp_path):
    ticket, out = hold("a hill\x1b[2J"), tmp_path / "look.png"
    result = review("show", ticket, "-o", out)
    assert result.code == 0
    assert "neither marked nor signed" in result.err
    assert "a hill\ufffd[2J" in result.out
    assert "review from 0.00" in result.out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert np.array_equal(Picture.open(out).pixels, Picture.open(photo).pixels)
    assert review("show", ticket, "--json").lines[0]["prompt"] == "a hill\x1b[2J"
    assert review("list").out.count(ticket) == 1
    again = review("show", ticket, "-o", out)
    assert (again.code, again.out) == (2, "")


def test_an_approved_picture_is_marked_signed_and_gone_from_the_queue(
    cli, review, hold, own, tmp_path
):
    ticket, out = hold(), tmp_path / "out.jpg"
    result = review("approve", ticket, "-o", out, "--reviewer", "Ada")
    assert (result.code, result.err) == (0, "")
    assert "approved by Ada" in result.out
    assert cli("verify", out, "--config", own).code == 0
    assert review("list").out == ""
    assert review("approve", ticket, "-o", tmp_path / "two.jpg").code == 2


def test_several_go_into_a_folder(review, hold, tmp_path):
    tickets, folder = [hold(), hold()], tmp_path / "out"
    missing = review("approve", *tickets, "-o", folder)
    assert missing.code == 2
    assert "is no folder" in missing.err
    folder.mkdir()
    result = review("approve", *tickets, "-o", folder, "--json")
    assert result.code == 0
    assert [line["ticket"] for line in result.lines] == tickets
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{t}.png" for t in tickets)
    name = getpass.getuser()
    assert all(line["notes"][-1].endswith(f"approved by {name}") for line in result.lines)


def test_a_bad_ticket_does_not_stop_the_others(review, hold, tmp_path):
    (tmp_path / "out").mkdir()
    result = review("approve", NO_TICKET, hold(), "-o", tmp_path / "out")
    assert result.code == 2
    assert result.is_one_sentence()
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize("name", ["exists.png", "none/out.png", "out.xyz", "out"])
def test_an_output_that_cannot_be_keeps_it_waiting(review, hold, tmp_path, name):
    (tmp_path / "exists.png").write_text("keep")
    ticket = hold()
    result = review("approve", ticket, "-o", tmp_path / name)
    assert result.code == 2
    assert result.is_one_sentence()
    assert review("list").out.startswith(ticket)
    assert (tmp_path / "exists.png").read_text() == "keep"


def test_what_cannot_be_written_at_last_waits_again(review, hold, tmp_path, monkeypatch):
    from provenance import Asset
    from provenance.errors import OutputError

    def full(self, path, *, overwrite=False):
        raise OutputError("the disk is full")

    monkeypatch.setattr(Asset, "save", full)
    ticket = hold()
    result = review("approve", ticket, "-o", tmp_path / "out.png")
    assert result.code == 2
    again = review("list").out.split()[0]
    assert again != ticket
    assert f"the picture waits again, under ticket {again}" in result.err


def test_rejected_is_gone(review, hold, own):
    ticket, other = hold(), hold()
    result = review("reject", ticket)
    assert (result.code, result.out) == (0, f"{ticket} deleted\n")
    assert review("list").out.startswith(other)
    assert not (own.parent / "review" / ticket).exists()
    assert review("reject", other, "--json").lines == [{"ticket": other, "rejected": True}]


@pytest.mark.parametrize("ticket", [NO_TICKET, "../keys", "", "x" * 500])
@pytest.mark.parametrize("command", ["show", "reject"])
def test_a_ticket_that_is_none(review, own, command, ticket):
    result = review(command, ticket)
    assert result.code == 2
    assert "no picture waits under ticket" in result.err
    assert (own.parent / "keys").is_dir()


def test_a_damaged_ticket_is_named_and_can_be_rejected(review, hold, own):
    ticket, other = hold(), hold()
    (own.parent / "review" / ticket / "held.json").write_text("{")
    result = review("list")
    assert result.code == 2
    assert f"{ticket}: error: ticket {ticket} is damaged" in result.err
    assert result.out.startswith(other)
    assert review("reject", ticket).code == 0
    assert review("list").code == 0


def test_a_picture_whose_file_is_damaged_stays(review, hold, own, tmp_path):
    ticket = hold()
    (own.parent / "review" / ticket / "picture.png").write_bytes(b"GIF89a")
    result = review("approve", ticket, "-o", tmp_path / "out.png")
    assert result.code == 2
    assert "is damaged" in result.err
    assert review("list").out.startswith(ticket)
