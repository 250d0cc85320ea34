"""Near-duplicates over a whole dataset, and those that stand in more than one split.

Two pictures count as duplicates up to `SAME` differing bits of 256 (recompressed or scaled, hardly
edited; see `provenance.registry.fingerprint`), and so do all that are linked by such pairs. Pairs
are looked for among those that agree in one of sixteen words of 16 bits: up to 15 differing bits
that misses none, at 24 about one in fifty.

Fingerprints and names lie in files without a name beside the rows, which are gone with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from provenance.audit import schema
from provenance.errors import OutputError
from provenance.registry.fingerprint import SAME, SIZE

_WORDS = SIZE // 2
_CROWD = 4096
"""In a word that more pictures share, each is compared with `_NEAR` neighbours alone: those that
agree with it in the words after it as far as possible."""
_NEAR = 64
_BLOCK = 1 << 20

Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint64]


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

    Holds about 40 bytes in memory for each fingerprint while it compares, and as many for each
    duplicate.

    Args:
        parts: files of rows.

    Raises:
        OutputError: there is no room beside the rows for 32 bytes of each fingerprint.
        InputError: a file of rows is damaged.
    """
    paths = list(parts)
    if not paths:
        return
    with _beside(paths[0]) as file, _beside(paths[0]) as names:
        hashes, counts = _read(paths, file)
        labels = grouped(hashes)
        members = np.flatnonzero(labels >= 0)
        labels = labels[members]
        named = _Named(names, paths, counts, members)
        leaking = _leaking(labels, named.splits)
        order = np.argsort(labels, kind="stable")
        origin, group = 0, -1
        for at in order.tolist():
            row, label = int(members[at]), int(labels[at])
            if label != group:
                origin, group = row, label
            apart = int(np.bitwise_count(hashes[row] ^ hashes[origin]).sum())
            path, split = named.text(at)
            shard, offset = named.places[at].tolist()
            yield Duplicate(path, shard, offset, split, label, apart, bool(leaking[label]))


def grouped(hashes: Hashes) -> Numbers:
    """The group of each hash, -1 for those that are alone; numbered by first members.

    Args:
        hashes: N×4, the 256 bits of each; they may lie on disk.
    """
    count = len(hashes)
    roots = np.arange(count)
    copies = _copies(hashes, roots)
    for word in range(_WORDS):
        for left, right in _pairs(hashes, word, copies):
            _join(roots, left, right)
    _root(roots, np.arange(count))
    sizes = np.bincount(roots, minlength=count)
    firsts = np.flatnonzero(sizes > 1)  # a root is the first of its group
    numbers = np.full(count, -1, np.int64)
    numbers[firsts] = np.arange(len(firsts))
    return numbers[roots]


def _copies(hashes: Hashes, roots: Numbers) -> Numbers:
    """Hashes that are no copy of an earlier one; copies are joined to it here."""
    if len(hashes) < 2:
        return np.arange(len(hashes))
    mixed = np.zeros(len(hashes), np.uint64)
    for start in range(0, len(hashes), _BLOCK):
        part = mixed[start : start + _BLOCK]
        for column in range(4):
            part ^= hashes[start : start + _BLOCK, column]
            part *= np.uint64(0x9E3779B97F4A7C15)
            part ^= part >> np.uint64(29)
    order = np.argsort(mixed, kind="stable")
    alone = np.ones(len(hashes), np.bool_)
    for start in range(0, len(order) - 1, _BLOCK):
        a, b = order[start : start + _BLOCK], order[start + 1 : start + 1 + _BLOCK]
        near = np.flatnonzero(mixed[a[: len(b)]] == mixed[b])
        a, b = a[near], b[near]
        same = (hashes[a] == hashes[b]).all(axis=1)
        alone[b[same]] = False
        _join(roots, a[same], b[same])
    return np.flatnonzero(alone)


def _pairs(hashes: Hashes, word: int, rows: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of near hashes that agree in one word."""
    keys = np.zeros(len(rows), np.uint64)  # the word, and the three after it
    for start in range(0, len(rows), _BLOCK):
        words = np.ascontiguousarray(hashes[rows[start : start + _BLOCK]]).view(np.uint16)
        for after in range(4):
            part = words[:, (word + after) % _WORDS].astype(np.uint64)
            keys[start : start + _BLOCK] |= part << np.uint64(48 - 16 * after)
    order = np.argsort(keys, kind="stable")
    keys >>= np.uint64(48)
    ends = np.append(np.flatnonzero(np.diff(keys[order])) + 1, len(order))
    del keys
    sizes = np.diff(ends, prepend=0)
    for start in range(0, len(order), _BLOCK):
        at = np.arange(start, min(start + _BLOCK, len(order)))
        bucket = np.searchsorted(ends, at, "right")
        reach = np.where(sizes[bucket] > _CROWD, _NEAR, sizes[bucket])
        most = np.minimum(ends[bucket] - at, reach)
        block = rows[order[start : start + _BLOCK + _CROWD]]
        for left, right in _near(hashes[block], most, word):
            yield block[left], block[right]


def _near(block: Hashes, most: Numbers, word: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of a block, each hash with those up to `most` places further."""
    # The column with the word agrees in it: another one tells strangers apart sooner.
    columns = [np.ascontiguousarray(block[:, (word // 4 + 2 + n) % 4]) for n in range(4)]
    active = np.flatnonzero(most > 1)
    step = 1
    while len(active):
        left = active
        apart = np.zeros(len(left), np.uint16)
        for column in columns:
            apart = apart + np.bitwise_count(column[left] ^ column[left + step])
            kept = np.flatnonzero(apart <= SAME)
            left, apart = left[kept], apart[kept]
        if len(left):
            yield left, left + step
        step += 1
        active = active[most[active] > step]


def _join(roots: Numbers, left: Numbers, right: Numbers) -> None:
    """Make one group of the groups of each pair. The root of a group is its first member."""
    while len(left):
        left, right = _root(roots, left), _root(roots, right)
        apart = left != right
        left, right = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
        np.minimum.at(roots, right, left)


def _root(roots: Numbers, rows: Numbers) -> Numbers:
    found = roots[rows]
    while (roots[found] != found).any():
        found = roots[found]
    roots[rows] = found
    return found


def _leaking(labels: Numbers, splits: Numbers) -> NDArray[np.bool_]:
    """Of each group whether it has two splits."""
    groups = int(labels.max()) + 1 if len(labels) else 0
    named = splits != 0
    least = np.full(groups, np.iinfo(np.int64).max)
    most = np.full(groups, np.iinfo(np.int64).min)
    np.minimum.at(least, labels[named], splits[named])
    np.maximum.at(most, labels[named], splits[named])
    return least < most


def _beside(part: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=part.parent)
    except OSError as error:
        raise _no_room(part.parent, error) from error


def _no_room(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"near-duplicates cannot be looked for in {folder} ({error.strerror}); free some space, "
        "and audit again: the rows are kept"
    )


def _read(paths: list[Path], file: IO[bytes]) -> tuple[Hashes, Numbers]:
    """All fingerprints in order, on disk, and how many each file of rows has."""
    counts = np.zeros(len(paths), np.int64)
    for n, path in enumerate(paths):
        for batch in schema.batches(path, ["fingerprint"]):
            prints = b"".join(batch.column(0).drop_null().to_pylist())
            kept = np.frombuffer(prints, np.uint8).reshape(-1, 2 * SIZE)[:, :SIZE]
            counts[n] += len(kept)
            _write(file, kept.tobytes(), path.parent)
    _write(file, b"", paths[0].parent)
    total = int(counts.sum())
    if total == 0:
        return np.empty((0, 4), np.uint64), counts
    return np.memmap(file, np.uint64, "r", shape=(total, 4)), counts


def _write(file: IO[bytes], data: bytes, folder: Path) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise _no_room(folder, error) from error


class _Named:
    """Paths and splits of some rows; their texts stay on disk.

    Args:
        file: for the texts.
        paths: the files of rows.
        counts: fingerprints in each.
        members: rows with fingerprints, by number, ascending.
    """

    def __init__(
        self, file: IO[bytes], paths: list[Path], counts: Numbers, members: Numbers
    ) -> None:
        self._file = file
        self.places = np.empty((len(members), 2), np.int64)
        self.splits = np.zeros(len(members), np.int64)
        self._ends = np.zeros(len(members) + 1, np.int64)
        before = np.append(0, np.cumsum(counts))
        bounds = np.searchsorted(members, before)
        for n, path in enumerate(paths):
            if bounds[n] < bounds[n + 1]:
                self._part(path, members[bounds[n] : bounds[n + 1]] - before[n], int(bounds[n]))

    def text(self, at: int) -> tuple[str, str]:
        """Path and split of the member at a place."""
        start, stop = self._ends[at : at + 2].tolist()
        self._file.seek(start)
        path, _, split = self._file.read(stop - start).decode().partition("\0")
        return path, split

    def _part(self, path: Path, wanted: Numbers, at: int) -> None:
        seen = 0
        for batch in schema.batches(path, ["path", "shard", "offset", "split", "fingerprint"]):
            with_print = batch.filter(batch.column("fingerprint").is_valid())
            inside = wanted[(wanted >= seen) & (wanted < seen + with_print.num_rows)] - seen
            seen += with_print.num_rows
            for row in with_print.take(inside).drop_columns("fingerprint").to_pylist():
                text = f"{row['path']}\0{row['split']}".encode()
                _write(self._file, text, path.parent)
                self._ends[at + 1] = self._ends[at] + len(text)
                self.places[at] = row["shard"], row["offset"]
                self.splits[at] = _number(row["split"])
                at += 1


def _number(split: str) -> int:
    """A number for a split, 0 for none; two splits share one as seldom as 63 bits do."""
    if not split:
        return 0
    return 1 + (int.from_bytes(blake2b(split.encode(), digest_size=8).digest(), "big") >> 2)
