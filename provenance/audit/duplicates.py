"""Near-duplicates over a whole dataset, and those that stand in more than one split.

Two pictures count as duplicates up to `SAME` differing bits of 256 (recompressed or scaled, hardly
edited; see `provenance.registry.fingerprint`), and so do all that are linked by such pairs. Pairs
are looked for among those that agree in one of sixteen words of 16 bits: up to 15 differing bits
that misses none, at 24 about one in fifty. Sorting makes it fast without a graph in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.audit import schema
from provenance.registry.fingerprint import SAME, SIZE

_WORDS = SIZE // 2
_CROWD = 4096
"""In a word that more pictures share, each is compared with `_NEAR` neighbours alone."""
_NEAR = 64
_BLOCK = 1 << 20

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A picture that is not alone.

    Attributes:
        path: of the file.
        shard: number of its shard.
        offset: its place there.
        split: or empty.
        group: number of its group, from 0 in the order of the first members.
        distance: bits that differ from the first of the group.
        leaks: the group stands in more than one split.
    """

    path: str
    shard: int
    offset: int
    split: str
    group: int
    distance: int
    leaks: bool


def duplicates(parts: Iterable[Path]) -> Iterator[Duplicate]:
    """All pictures that have near-duplicates, group by group, each group in the order of the data.

    Holds 40 bytes for each fingerprint, and the names of the duplicates alone.

    Args:
        parts: files of rows.
    """
    paths = list(parts)
    hashes, places = _read(paths)
    labels = grouped(hashes)
    members = np.flatnonzero(labels >= 0)
    named = _named(paths, places[members])
    order = np.lexsort((members, labels[members]))
    splits: dict[int, set[str]] = {}
    for at in order:
        splits.setdefault(int(labels[members[at]]), set()).add(named[at][1])
    first: dict[int, int] = {}
    for at in order:
        row = int(members[at])
        group = int(labels[row])
        origin = first.setdefault(group, row)
        apart = int(np.bitwise_count(hashes[row] ^ hashes[origin]).sum())
        path, split = named[at]
        shard, offset = (int(n) for n in places[row])
        leaks = len(splits[group] - {""}) > 1
        yield Duplicate(path, shard, offset, split, group, apart, leaks)


def grouped(hashes: NDArray[np.uint64]) -> Numbers:
    """The group of each hash, -1 for those that are alone; numbered by first members.

    Args:
        hashes: N×4, the 256 bits of each.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(hashes)
    if count < 2:
        return np.full(count, -1, np.int64)
    found = [pair for word in range(_WORDS) for pair in _pairs(hashes, word)]
    if not found:
        return np.full(count, -1, np.int64)
    left = np.concatenate([a for a, _ in found])
    right = np.concatenate([b for _, b in found])
    linked = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(linked, directed=False)
    sizes = np.bincount(labels)
    labels = np.where(sizes[labels] > 1, labels, -1).astype(np.int64)
    # Numbered by first members, whatever order the components came in.
    _, firsts = np.unique(labels[labels >= 0], return_index=True)
    kept = labels[labels >= 0][np.sort(firsts)]
    new = np.full(len(sizes), -1, np.int64)
    new[kept] = np.arange(len(kept))
    return np.where(labels >= 0, new[labels], -1)


def _pairs(hashes: NDArray[np.uint64], word: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of near hashes that agree in one word."""
    keys = np.ascontiguousarray(hashes).view(np.uint16).reshape(len(hashes), _WORDS)[:, word]
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] ^ 1))
    sizes = np.diff(np.append(starts, len(order)))
    # A step at a time: each with the one that is `step` places further in its word.
    reach = np.where(sizes > _CROWD, _NEAR, sizes)
    left_in_word = np.repeat(starts + sizes, sizes) - np.arange(len(order))
    most = np.minimum(left_in_word, np.repeat(reach, sizes))
    active = np.flatnonzero(most > 1)
    step = 1
    while len(active):
        for at in range(0, len(active), _BLOCK):
            place = active[at : at + _BLOCK]
            a, b = order[place], order[place + step]
            apart = np.bitwise_count(hashes[a] ^ hashes[b]).sum(axis=1, dtype=np.int64)
            near = apart <= SAME
            if near.any():
                yield a[near], b[near]
        step += 1
        active = active[most[active] > step]


def _read(paths: list[Path]) -> tuple[NDArray[np.uint64], Numbers]:
    """All fingerprints, and shard and offset of each, in order."""
    words: list[NDArray[np.uint64]] = [np.empty((0, 4), np.uint64)]
    places: list[Numbers] = [np.empty((0, 2), np.int64)]
    for path in paths:
        for batch in schema.batches(path, ["shard", "offset", "fingerprint"]):
            kept = batch.filter(batch.column("fingerprint").is_valid())
            prints = b"".join(kept.column("fingerprint").to_pylist())
            words.append(np.frombuffer(prints, np.uint64).reshape(-1, 8)[:, :4])
            both = [kept.column(n).to_numpy(zero_copy_only=False) for n in ("shard", "offset")]
            places.append(np.stack(both, axis=1).astype(np.int64))
    return np.concatenate(words), np.concatenate(places)


def _named(paths: list[Path], places: Numbers) -> list[tuple[str, str]]:
    """Path and split of some places, in the order in which they are given: that of the data."""
    wanted = [(int(shard), int(offset)) for shard, offset in places]
    found: dict[tuple[int, int], tuple[str, str]] = {}
    shards = {shard for shard, _ in wanted}
    needed = set(wanted)
    for path in paths:
        if int(path.stem) not in shards:
            continue
        for batch in schema.batches(path, ["path", "shard", "offset", "split"]):
            for row in batch.to_pylist():
                if (row["shard"], row["offset"]) in needed:
                    found[row["shard"], row["offset"]] = (row["path"], row["split"])
    return [found[place] for place in wanted]
