"""What the log says, and that nobody can make it say something else."""

import json
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import Blocked, ModerationFailed, RegistryUnavailable
from provenance.registry.entry import Entry, Issued, Refused
from provenance.registry.log import Log
from provenance.registry.proof import Growth, Head, Proof, check_growth, check_proof
from tests.registry.samples import START, a_record, mounted, remount, unprivileged


def issued(number):
    return Issued.of(a_record(number))


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log" / "issued.jsonl")


@pytest.fixture
def filled(log):
    for number in range(9):
        log.append(issued(number))
    return log


def lines(log):
    return log.path.read_bytes().splitlines(keepends=True)


def rewrite(log, *parts):
    log.path.write_bytes(b"".join(parts))


def test_entries_come_back(log):
    events = [issued(1), Refused("nudity", "picture", "standard"), issued(2)]
    receipts = [log.append(event) for event in events]
    entries = list(log.export())
    assert [e.event for e in entries] == events
    assert [e.index for e in entries] == [0, 1, 2]
    assert [r.index for r in receipts] == [0, 1, 2]
    assert [r.head.size for r in receipts] == [1, 2, 3]
    assert [e.previous for e in entries[1:]] == [r.leaf for r in receipts[:2]]
    assert log.head() == receipts[-1].head
    assert entries[0].time <= entries[1].time <= entries[2].time
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_an_empty_log(log):
    assert log.head().size == 0
    assert log.verify().holds
    assert list(log.export()) == []
    assert log.prove(0) is None
    assert not log.path.exists()


def test_a_refusal_tells_neither_prompt_nor_score():
    blocked = Blocked("nudity", 0.93, 0.8, "standard", "prompt")
    assert Refused.of(blocked) == Refused("nudity", "prompt", "standard")
    failed = ModerationFailed("could not judge 'a secret prompt'")
    assert Refused.of(failed) == Refused("check-failed", "", "")
    line = Entry(0, START, Refused.of(failed), "0" * 64).to_line()
    assert b"secret" not in line


def test_every_entry_can_be_proved(filled):
    head = filled.head()
    for index, entry in enumerate(filled.export()):
        proof = filled.prove(index)
        assert check_proof(proof, head) == entry
        assert filled.prove(entry.event.manifest_id) == proof
        assert Proof.from_dict(json.loads(json.dumps(proof.to_dict()))) == proof
    assert filled.prove(9) is None
    assert filled.prove("urn:c2pa:99") is None
    assert filled.prove("urn:c2pa") is None


def test_forged_proofs(filled):
    head, proof = filled.head(), filled.prove(4)
    other = filled.prove(5)
    for forged in (
        replace(proof, entry=proof.entry.replace("standard", "lenient")),
        replace(proof, entry=other.entry),
        replace(proof, entry=proof.entry + " "),
        replace(proof, entry="ü"),
        replace(proof, index=5),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(*proof.path, proof.path[0])),
        replace(proof, path=("zz", *proof.path[1:])),
        replace(proof, path=("00", *proof.path[1:])),
        replace(proof, head=Head(8, head.root)),
        replace(proof, head=Head(9, "0" * 64)),
    ):
        assert check_proof(forged) is None
        assert check_proof(forged, head) is None
    filled.append(issued(50))
    assert check_proof(proof, filled.head()) is None  # of an older head
    assert check_proof(proof)


@pytest.mark.parametrize(
    "data", [{}, [], None, {"entry": 1, "index": 0, "path": [], "head": f"1:{'0' * 64}"}]
)
def test_what_is_no_proof(data):
    with pytest.raises(ValueError, match=r"no proof of the log"):
        Proof.from_dict(data)


@pytest.mark.parametrize("text", ["", "5", "5:abc", f"-1:{'0' * 64}", f"01:{'0' * 64}", "x" * 70])
def test_what_is_no_head(text):
    with pytest.raises(ValueError, match=r"no head of a log; expected SIZE:ROOT"):
        Head.parse(text)


def test_heads_can_be_written_down(filled):
    assert Head.parse(f" {filled.head()}\n") == filled.head()


def test_a_good_log_holds_against_every_head_it_ever_had(log):
    heads = [log.head()]
    for number in range(20):
        heads.append(log.append(issued(number)).head)
    for head in heads:
        assert log.verify(head).holds
        assert not log.verify(replace(head, root="f" * 64)).holds
    assert log.verify().head == heads[-1]


def problems(log, head=None):
    return [(f.index, f.problem) for f in log.verify(head).findings]


def test_an_edited_entry(filled):
    before = lines(filled)
    edited = before[3].replace(b'"policy":"standard"', b'"policy":"lenient!"')
    rewrite(filled, *before[:3], edited, *before[4:])
    assert problems(filled) == [
        (4, "it does not follow the entry before it: one of them was edited or exchanged")
    ]


def test_an_entry_that_is_no_json_any_more(filled):
    before = lines(filled)
    rewrite(filled, *before[:3], b"\x00" * (len(before[3]) - 1) + b"\n", *before[4:])
    assert [index for index, _ in problems(filled)] == [3, 4]
    assert "damaged" in problems(filled)[0][1]
    with pytest.raises(RegistryUnavailable, match=r"entry 3 of the log .* is damaged"):
        list(filled.export())
    assert filled.prove("urn:c2pa:7").index == 7


def test_a_removed_entry(filled):
    before = lines(filled)
    rewrite(filled, *before[:3], *before[4:])
    assert problems(filled)[0] == (
        3, "it says that it is entry 4: something was removed, added or reordered",
    )  # fmt: skip


def test_reordered_entries(filled):
    before = lines(filled)
    rewrite(filled, *before[:3], before[4], before[3], *before[5:])
    assert problems(filled)[0][0] == 3


def test_a_repeated_entry(filled):
    before = lines(filled)
    rewrite(filled, *before, before[-1])
    assert problems(filled)[0][0] == 9


def test_a_cut_end_shows_against_a_head(filled):
    head = filled.head()
    rewrite(filled, *lines(filled)[:7])
    assert problems(filled) == []
    assert problems(filled, head) == [(7, "2 entries are missing at the end")]
    filled.path.unlink()
    assert problems(filled, head) == [(0, "9 entries are missing at the end")]


def test_a_log_written_anew_shows_against_a_head(filled, tmp_path):
    head = filled.head()
    forged = Log(tmp_path / "forged")
    for number in range(12):
        forged.append(issued(number + (number == 4)))
    assert problems(forged) == []
    assert problems(forged, head) == [(9, "the first 9 entries are not those of the head given")]


def test_a_log_that_is_cut_while_it_is_in_use(filled):
    whole = lines(filled)
    rewrite(filled, *whole[:5])
    for _ in range(2):
        with pytest.raises(RegistryUnavailable, match=r"cut or replaced .* after 9 entries"):
            filled.append(issued(10))
        with pytest.raises(RegistryUnavailable, match=r"cut or replaced"):
            filled.head()
    filled.path.unlink()
    with pytest.raises(RegistryUnavailable, match=r"cut or replaced"):
        filled.append(issued(10))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    log = Log(folder / "log")
    for number in range(6):
        log.append(issued(number))
    head, whole = log.head(), log.path.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start, min(len(whole), start + 900)))
    forged = whole[:start] + data.draw(st.binary(max_size=20)) + whole[stop:]
    log.path.write_bytes(forged)
    result = Log(log.path).verify(head)
    assert result.holds == (forged.startswith(whole))


def test_an_unfinished_entry_is_passed_over_and_then_removed(filled):
    head, whole = filled.head(), filled.path.read_bytes()
    for tail in (b"{", b'{"index":9,"time"', lines(filled)[0][:-1], b"\x00" * 5000):
        filled.path.write_bytes(whole + tail)
        result = Log(filled.path).verify(head)
        assert result.holds
        assert result.unfinished == len(tail)
        assert len(list(filled.export())) == 9
    receipt = Log(filled.path).append(issued(10))
    assert receipt.index == 9
    assert filled.verify(head).holds
    assert filled.verify().unfinished == 0


def appended(job):
    path, start = job
    log = Log(path)
    return [log.append(issued(n)).index for n in range(start, start + 50)]


def test_many_processes(log):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        parts = pool.map(appended, [(log.path, 100 * n) for n in range(4)])
        indices = [index for part in parts for index in part]
    assert sorted(indices) == list(range(200))
    assert log.verify().holds
    assert log.head().size == 200
    assert len({e.event.manifest_id for e in log.export()}) == 200


def test_many_threads_with_one_log_and_with_many(log):
    def work(number):
        return (log if number % 2 else Log(log.path)).append(issued(number)).index

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(100))) == list(range(100))
    assert log.verify().holds


def test_a_full_disk_loses_nothing_and_leaves_nothing(tmp_path):
    with mounted(tmp_path, "size=64k"):
        log, receipts = Log(tmp_path / "log"), []
        with pytest.raises(RegistryUnavailable, match=r"the disk is full; free some space"):
            for number in range(1000):
                receipts.append(log.append(issued(number)))
        assert 50 < len(receipts) < 1000
        result = log.verify(receipts[-1].head)
        assert result.holds
        assert result.unfinished == 0
        assert result.head == receipts[-1].head
        remount(tmp_path, "size=128k")
        assert log.append(issued(5000)).index == len(receipts)
        assert log.verify(receipts[-1].head).holds


def test_a_read_only_file_system(tmp_path):
    with mounted(tmp_path, "size=64k"):
        log = Log(tmp_path / "log")
        log.append(issued(1))
        remount(tmp_path, "ro")
        with pytest.raises(RegistryUnavailable, match=r"the file system is read-only; choose"):
            log.append(issued(2))
        assert log.verify().holds


def test_a_file_that_may_not_be_opened(filled):
    with unprivileged(), pytest.raises(RegistryUnavailable, match=r"it may not be opened; check"):
        Log(filled.path).append(issued(1))


def test_things_that_are_no_file(tmp_path):
    with pytest.raises(RegistryUnavailable, match=r"it is a folder; name a file"):
        Log(tmp_path).append(issued(1))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RegistryUnavailable, match=r"it is a symbolic link"):
        Log(tmp_path / "link").append(issued(1))
    assert not (tmp_path / "elsewhere").exists()


def test_an_entry_without_end_is_refused(log):
    with pytest.raises(RegistryUnavailable, match=r"bytes, the log takes 65536"):
        log.append(Refused("nudity", "picture", "x" * 70_000))
    assert log.head().size == 0


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"1", b"null", b'"a"', b"[" * 100_000, b'{"kind":"issued"}',
        b'{"kind":["a"]}', b"\xff",
        b'{"index":0,"time":"2026-01-02","kind":"refused","category":"a","stage":"","policy":"",'
        b'"previous":"0"}',
    ],
)  # fmt: skip
def test_lines_that_are_no_entries(line):
    with pytest.raises(ValueError, match=r"entry of the log"):
        Entry.from_line(line)


def test_the_log_goes_on_from_each_of_its_heads(log):
    heads = [log.append(issued(number)).head for number in range(9)]
    for first in heads:
        growth = log.prove_growth(first)
        assert (growth.first, growth.second) == (first, heads[-1])
        assert Growth.from_dict(json.loads(json.dumps(growth.to_dict()))) == growth
        assert check_growth(growth)
        assert check_growth(growth, first)
        assert not check_growth(growth, Head(first.size, "0" * 64))
        assert not check_growth(replace(growth, second=Head(9, "0" * 64)), first)
        assert not check_growth(replace(growth, path=(*growth.path, "00" * 32)), first)
        assert not check_growth(replace(growth, path=("xyz",)), first)
        assert not check_growth(replace(growth, path=("00",)), first)


def test_it_goes_on_from_no_other_head(filled):
    kept = filled.head()
    assert filled.prove_growth(Head(9, "0" * 64)) is None
    assert filled.prove_growth(Head(10, kept.root)) is None
    assert filled.prove_growth(Head(0, "0" * 64)) is None
    first, *others = lines(filled)
    rewrite(filled, first.replace(b"allow", b"admit"), *others)
    assert filled.prove_growth(kept) is None


@pytest.mark.parametrize("data", [{}, {"first": "1", "second": "2", "path": []}, {"first": None}])
def test_another_form_proves_no_growth(data):
    with pytest.raises(ValueError, match=r"no proof of growth|no head"):
        Growth.from_dict(data)
    with pytest.raises(ValueError, match="no proof of growth"):
        Growth.from_dict({"first": f"1:{'0' * 64}", "second": f"2:{'0' * 64}", "path": [1]})


def test_what_is_exported_is_what_is_hashed(filled):
    """So that who has an export can count its head again."""
    printed = [
        json.dumps(entry.to_dict(), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        for entry in filled.export()
    ]
    assert printed == lines(filled)
