"""Near-duplicates over many rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit import duplicates as module
from provenance.audit import finish, schema
from provenance.audit.duplicates import _CROWD, SAME, Duplicate, duplicates, grouped
from provenance.audit.interface import Row, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run

pytest.importorskip("pyarrow")


def flipped(hash_: np.ndarray, bits: int, seed: int) -> np.ndarray:
    places = np.random.default_rng(seed).choice(256, bits, replace=False)
    raw = np.unpackbits(hash_.view(np.uint8))
    raw[places] ^= 1
    return np.packbits(raw).view(np.uint64)


def random(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def test_unrelated_hashes_are_alone() -> None:
    assert (grouped(random(20_000)) == -1).all()
    for count in (0, 1, 2):
        assert (grouped(random(count)) == -1).all()


@pytest.mark.parametrize("bits", [0, 1, 8, 15])
def test_all_near_ones_are_found(bits: int) -> None:
    hashes = random(1000)
    copies = np.stack([flipped(h, bits, n) for n, h in enumerate(hashes[:300])])
    groups = grouped(np.concatenate([hashes, copies]))
    assert (groups[:300] == groups[1000:]).all()
    assert (groups[:300] == np.arange(300)).all()
    assert (groups[300:1000] == -1).all()


def test_at_the_bar_few_are_missed_and_beyond_it_none_is_taken() -> None:
    hashes = random(1000)
    near = np.stack([flipped(h, 24, n) for n, h in enumerate(hashes)])
    far = np.stack([flipped(h, 25, n) for n, h in enumerate(hashes)])
    assert (grouped(np.concatenate([hashes, near])) >= 0).mean() > 0.95
    assert (grouped(np.concatenate([hashes, far])) == -1).all()


def test_a_crowd_of_copies_is_one_group() -> None:
    groups = grouped(np.repeat(random(1), _CROWD + 500, axis=0))
    assert (groups == 0).all()


def test_chains_are_one_group_in_the_order_of_the_data() -> None:
    a, b = random(2, 5)
    chain = [a, flipped(a, 20, 1)]
    chain.append(flipped(chain[-1], 20, 2))
    groups = grouped(np.stack([b, chain[2], chain[0], b, chain[1]]))
    assert groups.tolist() == [0, 1, 1, 0, 1]


@settings(max_examples=30)
@given(seed=st.integers(0, 99), count=st.integers(0, 60), block=st.integers(1, 7))
def test_no_more_and_no_fewer_than_all_pairs_say(seed: int, count: int, block: int) -> None:
    origin = random(5, seed)
    numbers = np.random.default_rng(seed)
    hashes = np.stack(
        [flipped(origin[n % 5], int(numbers.integers(0, 15)), n) for n in range(count)]
        or [origin[0]]
    )
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    linked = apart <= SAME
    for _ in range(count):
        linked = linked @ linked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        groups = grouped(hashes)
    same = groups[:, None] == groups[None]
    near = (apart <= 15) | np.eye(len(hashes), dtype=bool)
    assert (same >= near).all()
    assert ((same & (groups >= 0)) <= linked).all()
    assert (grouped(hashes) == groups).all()


def test_leaks_between_splits_are_named(tmp_path: Path) -> None:
    one, two, alone = (h.tobytes() * 2 for h in random(3))
    given = [
        [("a", "train", one), ("b", "train", two), ("c", "", alone)],
        [("d", "test", one), ("e", "train", two), ("f", "train", None)],
    ]
    parts = []
    for shard, entries in enumerate(given):
        rows = [
            Row(path, shard, offset, split=split, fingerprint=print_)
            for offset, (path, split, print_) in enumerate(entries)
        ]
        parts.append(tmp_path / f"{shard:06d}.parquet")
        parts[-1].write_bytes(schema.rendered(rows, {}))
    found = list(duplicates(parts))
    assert [(d.path, d.group, d.leaks) for d in found] == [
        ("a", 0, True),
        ("d", 0, True),
        ("b", 1, False),
        ("e", 1, False),
    ]
    assert {d.distance for d in found} == {0}


def test_many_files_of_rows_give_what_one_gives(tmp_path: Path) -> None:
    hashes = np.repeat(random(40), 3, axis=0)
    rows = [
        Row(
            f"é/{n}",
            n // 10,
            n % 10,
            split=("train", "test", "")[n % 3],
            fingerprint=h.tobytes() * 2 if n % 7 else None,
        )
        for n, h in enumerate(hashes)
    ]
    parts = []
    for shard in range(12):
        parts.append(tmp_path / f"{shard:06d}.parquet")
        parts[-1].write_bytes(schema.rendered(rows[10 * shard : 10 * shard + 10], {}))
    found = list(duplicates(parts))
    expected = [n for n in range(120) if n % 7]
    assert [d.path for d in found] == [f"é/{n}" for n in expected]
    assert [(d.shard, d.offset) for d in found] == [(n // 10, n % 10) for n in expected]
    assert [d.group for d in found] == [n // 3 for n in expected]
    with_both = [all((3 * (n // 3) + k) % 7 for k in (0, 1)) for n in expected]
    assert [d.leaks for d in found] == with_both


def test_no_room_for_the_search_is_said(tmp_path: Path) -> None:
    part = tmp_path / "000000.parquet"
    rows = [Row(str(n), 0, n, fingerprint=h.tobytes() * 2) for n, h in enumerate(random(9))]
    part.write_bytes(schema.rendered(rows, {}))
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from provenance.audit.duplicates import duplicates\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "list(duplicates([Path(sys.argv[1])]))\n"
    )
    command = [sys.executable, "-c", program, part]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "OutputError: near-duplicates cannot be looked for" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [part.name]


def test_they_are_written_as_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Run(tmp_path)
    audit.begin(Asked(Pixels.ALL), ["x"], [Shard(0, "x", {}), Shard(1, "y", {})])
    hashes = np.repeat(random(30), 2, axis=0)
    for shard in range(2):
        rows = [
            Row(f"{n}", shard, n, split=("a", "b")[n % 2 * (n < 9)], fingerprint=h.tobytes() * 2)
            for n, h in enumerate(hashes[30 * shard : 30 * shard + 30])
        ]
        audit.finish(shard, schema.rendered(rows, {}))
    expected = list(duplicates(audit.parts()))
    monkeypatch.setattr(finish, "_AT_ONCE", 7)
    summary = finish.finish(audit).to_dict()
    table = schema.arrow().parquet.read_table(tmp_path / "duplicates.parquet")
    assert [Duplicate(**row) for row in table.to_pylist()] == expected
    assert summary["duplicates"] == {
        "groups": 30,
        "pictures": 60,
        "leaks": 8 + 8,
        "leaking_groups": 4 + 4,
    }
    assert not list(tmp_path.rglob("*.tmp"))
