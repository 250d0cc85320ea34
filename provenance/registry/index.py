"""Nearest fingerprints by looking at every one: exact, and fast enough for millions.

The first 64 bits of each hash, its lowest frequencies, stand in a column of their own and are
compared with XOR and a count of bits, 0.6 ms for a million; only the few that are near in them are
compared in full. A graph or tree would need a dependency and memory, and miss some.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from provenance.registry.fingerprint import MATCH, SIZE, Fingerprint, Probes

PREFILTER = 16
"""Largest number of differing bits among the first 64 for a hash to be compared in full.

Of crops to 90 % 99 in 100 have at most 14, other copies fewer; of unrelated pictures one in ten
thousand has 16 or fewer (benchmarks/registry.py)."""

_CHUNK = 1 << 15
_WORDS = SIZE // 8

Words = NDArray[np.uint64]


class FingerprintIndex:
    """Numbers and fingerprints, in memory. Not locked: its owner sees to that."""

    def __init__(self) -> None:
        self._numbers = np.empty(0, np.int64)
        self._whole = _Hashes()
        self._middle = _Hashes()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def last(self) -> int:
        """The highest number so far; 0 while empty."""
        return int(self._numbers[self._count - 1]) if self._count else 0

    def extend(self, numbers: NDArray[np.int64], fingerprints: bytes) -> None:
        """Append fingerprints, 64 bytes each, under rising numbers."""
        rows = np.frombuffer(fingerprints, np.uint64).reshape(-1, 2 * _WORDS)
        total = self._count + len(numbers)
        if total > len(self._numbers):
            self._numbers = np.resize(self._numbers, max(total, 3 * len(self._numbers) // 2, 1024))
        self._numbers[self._count : total] = numbers
        self._whole.extend(rows[:, :_WORDS])
        self._middle.extend(rows[:, _WORDS:])
        self._count = total

    def add(self, number: int, fingerprint: Fingerprint) -> None:
        """Append one."""
        self.extend(np.array([number], np.int64), fingerprint.to_bytes())

    def search(
        self, probes: Probes, limit: int = 10, max_distance: int = MATCH
    ) -> list[tuple[int, int]]:
        """Numbers and distances of what is near, nearest first.

        Crops are looked for only when nothing resembles the picture as a whole.
        """
        best: dict[int, int] = {}
        for hashes, kept in ((probes.whole, self._whole), (probes.middle, self._middle)):
            for probe in hashes:
                for place, apart in kept.near(probe, max_distance):
                    number = int(self._numbers[place])
                    best[number] = min(apart, best.get(number, apart))
            if best:
                break
        return sorted(best.items(), key=lambda item: (item[1], item[0]))[:limit]


class _Hashes:
    """A growing column of first words, and the whole hashes beside it."""

    def __init__(self) -> None:
        self._first = np.empty(0, np.uint64)
        self._rows = np.empty((0, _WORDS), np.uint64)
        self._count = 0

    def extend(self, rows: Words) -> None:
        total = self._count + len(rows)
        if total > len(self._first):
            room = max(total, 3 * len(self._first) // 2, 1024)
            self._first = np.resize(self._first, room)
            self._rows = np.resize(self._rows, (room, _WORDS))
        self._first[self._count : total] = rows[:, 0]
        self._rows[self._count : total] = rows
        self._count = total

    def near(self, probe: bytes, max_distance: int) -> Iterator[tuple[int, int]]:
        wanted = np.frombuffer(probe, np.uint64)
        places = self._candidates(wanted[0])
        apart = np.bitwise_count(self._rows[places] ^ wanted).sum(axis=1, dtype=np.int64)
        close = apart <= max_distance
        return zip(places[close].tolist(), apart[close].tolist(), strict=True)

    def _candidates(self, first: np.uint64) -> NDArray[np.intp]:
        words = np.empty(_CHUNK, np.uint64)
        counts = np.empty(_CHUNK, np.uint8)
        found = [np.empty(0, np.intp)]
        for start in range(0, self._count, _CHUNK):
            part = self._first[start : min(start + _CHUNK, self._count)]
            size = len(part)
            np.bitwise_xor(part, first, out=words[:size])
            np.bitwise_count(words[:size], out=counts[:size])
            hits = np.flatnonzero(counts[:size] <= PREFILTER)
            if len(hits):
                found.append(hits + start)
        return np.concatenate(found)
