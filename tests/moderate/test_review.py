"""What waits for a person is private, whole, and nothing but what was put there."""

from __future__ import annotations

import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.errors import ConfigError, OutputError
from provenance.moderate.interface import Action, Decision, Finding
from provenance.moderate.review import FolderQueue, Held, approved
from provenance.picture import Encoding, Picture
from tests import signed

FINDING = Finding("nudity", 0.7, 0.5, Action.REVIEW, "fixed/1", "picture", 0.25)
DECISION = Decision(Action.REVIEW, (FINDING,), ("gore",), "house@abc", notes=("one",))


def held(**changes) -> Held:
    parts = {"picture": signed.drawing(), "decision": DECISION, "prompt": "a prompt"}
    return Held(**{**parts, **changes})


@pytest.fixture
def queue(tmp_path) -> FolderQueue:
    return FolderQueue(tmp_path / "some" / "review")


def test_everything_comes_back(queue):
    encoding = Encoding("JPEG", quality=91, subsampling="4:2:0")
    picture = Picture(signed.drawing().pixels, encoding=encoding)
    ticket = queue.hold(held(picture=picture, parent=(b"a file", "image/png")))
    again = queue.get(ticket)
    assert np.array_equal(again.picture.pixels, picture.pixels)
    assert again.picture.encoding == encoding
    assert again.decision == DECISION
    assert again.parent == (b"a file", "image/png")
    assert (again.prompt, again.ticket) == ("a prompt", ticket)
    waiting = queue.about(ticket)
    assert (waiting.ticket, waiting.since) == (ticket, again.since)
    assert waiting.categories == ("nudity",)
    assert json.loads(json.dumps(waiting.to_dict()))["moderation"]["action"] == "review"


@pytest.mark.parametrize("prompt", [None, "", "naïve 🎨 \u202e", "\ud800 alone", "a\0b\nc"])
def test_any_prompt_is_kept(queue, prompt):
    assert queue.get(queue.hold(held(prompt=prompt))).prompt == prompt


def test_only_the_owner_may_look(queue):
    previous = os.umask(0)
    try:
        ticket = queue.hold(held(parent=(b"a file", "image/png")))
    finally:
        os.umask(previous)
    folder = queue.folder / ticket
    assert {stat.S_IMODE(p.stat().st_mode) for p in (queue.folder, folder)} == {0o700}
    files = sorted(folder.iterdir())
    assert [p.name for p in files] == ["held.json", "parent.bin", "picture.png"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}


def test_tickets_are_listed_oldest_first_and_strangers_are_not(queue):
    assert queue.tickets() == ()
    tickets = [queue.hold(held()) for _ in range(3)]
    (queue.folder / "notes").mkdir()
    (queue.folder / "notes" / "held.json").write_text("{}")
    (queue.folder / "20260101T000000-000000000000").mkdir()  # cut off before its facts
    assert queue.tickets() == tuple(sorted(tickets))


def test_many_threads_hold_at_once(queue):
    with ThreadPoolExecutor(8) as pool:
        tickets = list(pool.map(lambda number: queue.hold(held(prompt=str(number))), range(24)))
    assert len(set(tickets)) == 24
    assert [queue.get(ticket).prompt for ticket in tickets] == [str(n) for n in range(24)]


def test_removed_is_gone(queue):
    ticket = queue.hold(held())
    queue.remove(ticket)
    assert list(queue.folder.iterdir()) == []
    for call in (queue.get, queue.about, queue.remove):
        with pytest.raises(ConfigError, match=r"no picture waits .* provenance review list"):
            call(ticket)


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        ".",
        "..",
        "/etc",
        "../keys",
        "20260101T000000-00000000000/",
        "20260101T000000-000000000000/../../keys",
        "20260101T000000-000000000000\n",
        "20260101T000000-00000000000G",
        "٢٠260101T000000-000000000000",
        "a\0b",
        "x" * 10_000,
    ],
)
def test_no_ticket_leads_out_of_the_folder(queue, ticket, tmp_path):
    (tmp_path / "some" / "keys").mkdir(parents=True)
    queue.hold(held())
    if ticket.startswith("20260101T000000-000000000000/"):
        (queue.folder / "20260101T000000-000000000000").mkdir()  # so that the path leads out
    for call in (queue.get, queue.about, queue.remove):
        with pytest.raises(ConfigError, match="no picture waits") as info:
            call(ticket)
        assert len(str(info.value)) < 400
    assert (tmp_path / "some" / "keys").is_dir()


@given(st.text(max_size=40))
def test_no_text_is_a_ticket_by_chance(tmp_path_factory, text):
    queue = FolderQueue(tmp_path_factory.getbasetemp())
    with pytest.raises(ConfigError):
        queue.remove(text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("held.json", b""),
        ("held.json", b"\xff\xfe"),
        ("held.json", b"null"),
        ("held.json", b"[]"),
        ("held.json", b"{}"),
        ("held.json", b"[" * 100_000),
        ("picture.png", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n"),
        ("picture.png", None),
        ("held.json", None),
        ("parent.bin", None),
    ],
)
def test_a_damaged_ticket_says_what_to_do(queue, name, content):
    ticket = queue.hold(held(parent=(b"a file", "image/png")))
    path = queue.folder / ticket / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"ticket {ticket} is damaged .*; reject it"):
        queue.get(ticket)
    queue.remove(ticket)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(
        ["since", "prompt", "parent_type", "encoding", "decision", "findings", "notes", "action"]
    ),
    json_values,
)
def test_facts_of_any_kind_are_read_or_called_damaged(queue, name, value):
    ticket = queue.hold(held())
    path = queue.folder / ticket / "held.json"
    facts = json.loads(path.read_text())
    inside = {"findings": facts["decision"], "notes": facts["decision"]}
    inside["action"] = facts["decision"]["findings"][0]
    inside.get(name, facts)[name] = value
    path.write_text(json.dumps(facts))
    try:
        queue.get(ticket)
    except ConfigError as error:
        assert "is damaged" in str(error)


def test_a_link_in_place_of_a_ticket_is_not_followed_when_it_is_removed(queue, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("keep")
    queue.folder.mkdir(parents=True)
    ticket = "20260101T000000-000000000000"
    (queue.folder / ticket).symlink_to(other)
    with pytest.raises(OutputError, match="cannot be deleted"):
        queue.remove(ticket)
    assert (other / "file").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_leaves_nothing_behind(queue, monkeypatch):
    real = os.fsync

    def full(descriptor: int) -> None:
        with open("/dev/full", "wb", buffering=0) as device:  # noqa: PTH123
            device.write(b"x")  # raises ENOSPC, as the system does
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"the disk is full.*make room there"):
        queue.hold(held())
    assert list(queue.folder.iterdir()) == []


def test_an_approval_says_who_and_since_when():
    decision = approved(held(ticket="t", since="2026-01-01T00:00:00+00:00"), "Ada")
    assert decision.action is Action.REVIEW
    assert decision.notes == (
        "one",
        "held for review since 2026-01-01T00:00:00+00:00, approved by Ada",
    )
