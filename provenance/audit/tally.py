"""Numbers by name, however many names there are: beyond some they are kept on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from provenance.errors import OutputError

HELD = 100_000
"""Names in memory."""


class Tally:
    """Sums of whole numbers by name.

    Args:
        width: how many numbers each name has; names are ranked by the first.
    """

    def __init__(self, width: int = 1) -> None:
        self._width = width
        self._held: dict[str, list[int]] = {}
        self._disk: sqlite3.Connection | None = None

    def __bool__(self) -> bool:
        """There is a name."""
        return bool(self._held) or self._disk is not None

    def add(self, name: str, numbers: Sequence[int] = (1,)) -> None:
        """Add to what a name has."""
        sums = self._held.get(name)
        if sums is None:
            if len(self._held) >= HELD:
                self._spill()
            self._held[name] = list(numbers)
            return
        for at, number in enumerate(numbers):
            sums[at] += number

    def top(self, most: int) -> list[tuple[str, tuple[int, ...]]]:
        """The names with the largest first numbers, ties by name."""
        if self._disk is None:
            ordered = sorted(self._held.items(), key=lambda item: (-item[1][0], item[0]))
            return [(name, tuple(numbers)) for name, numbers in ordered[:most]]
        self._spill()
        rows = self._disk.execute("SELECT * FROM sums ORDER BY n0 DESC, name LIMIT ?", (most,))
        return [(name, tuple(numbers)) for name, *numbers in rows]

    def total(self) -> int:
        """The sum of all first numbers."""
        held = sum(numbers[0] for numbers in self._held.values())
        if self._disk is None:
            return held
        kept = self._disk.execute("SELECT sum(n0) FROM sums").fetchone()[0]
        return int(kept or 0) + held

    def all(self) -> dict[str, tuple[int, ...]] | None:
        """Every name, or None where they do not fit into memory."""
        if self._disk is not None:
            return None
        return {name: tuple(numbers) for name, numbers in self._held.items()}

    def _spill(self) -> None:
        columns = [f"n{at}" for at in range(self._width)]
        if self._disk is None:
            self._disk = sqlite3.connect("")  # a file without a name, gone with the connection
            kinds = ", ".join(f"{column} INTEGER" for column in columns)
            self._disk.execute(f"CREATE TABLE sums (name TEXT PRIMARY KEY, {kinds}) WITHOUT ROWID")
        sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in columns)
        marks = ", ".join("?" * (1 + self._width))
        try:
            self._disk.executemany(
                f"INSERT INTO sums VALUES ({marks}) "  # noqa: S608 - columns are our own
                f"ON CONFLICT (name) DO UPDATE SET {sums}",
                ((name, *self._held[name]) for name in sorted(self._held)),
            )
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"there is no room for the counts of over {HELD:,} names ({error}); free some "
                "space where temporary files lie (TMPDIR), and audit again: the rows are kept"
            ) from error
        self._held.clear()
