"""Near-duplicates over many rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenance.audit import schema
from provenance.audit.duplicates import _CROWD, duplicates, grouped
from provenance.audit.interface import Row

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
