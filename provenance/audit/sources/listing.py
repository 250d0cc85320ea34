"""Tables of paths or addresses: CSV, TSV, JSON lines."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO, cast

from provenance.audit.interface import Sample, Shard
from provenance.audit.sources import columns
from provenance.audit.sources.places import Place
from provenance.errors import InputError

_ROWS = 500
_LONGEST = 1 << 20
"""Characters of a line."""

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")


class ListingSource:
    """The rows of a table.

    Args:
        table: the file.
        column: with paths or addresses; found by its name if left out.
        root: the folder of the paths; that of the table if left out.
    """

    def __init__(self, table: Place, column: str = "", root: Place | None = None) -> None:
        self._table = table
        self._column = column
        self._root = root or Place(table.text.rpartition("/")[0] or ".")

    @property
    def name(self) -> str:
        """The table."""
        return self._table.name

    def shards(self) -> Iterator[Shard]:
        """Runs of rows. They are read again by their number, so the table must not change.

        Raises:
            InputError: it is no such table, or has no column of pictures.
        """
        try:
            count = sum(1 for _ in self._rows())
            first = next(self._rows(), {})
        except OSError as error:
            raise InputError(f"{self.name} cannot be read ({error})") from error
        if count:
            columns.chosen(list(first), self.name, self._column)
        for number, start in enumerate(range(0, count, _ROWS)):
            stop = min(count, start + _ROWS)
            yield Shard(number, f"rows from {start}", {"from": start, "to": stop}, stop - start)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The rows of a shard, in order.

        Raises:
            OSError: the table cannot be read now.
        """
        start, stop = shard.where["from"], shard.where["to"]
        base = self.name.rsplit("/", 1)[-1]
        chosen = None
        for offset, row in enumerate(itertools.islice(self._rows(), start, stop)):
            chosen = chosen or columns.chosen(list(row), self.name, self._column)
            yield columns.sample(row, chosen, offset, f"{base}/{start + offset}", self._root)

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        kind = self._table.text.rpartition(".")[2].lower()
        with self._table.open() as file:
            buffered = io.BufferedReader(cast("io.RawIOBase", file))
            text = io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="surrogateescape")
            if kind in ("jsonl", "ndjson"):
                yield from _objects(text, self.name)
            else:
                yield from _table(text, self.name, "\t" if kind == "tsv" else ",")


def _objects(text: TextIO, name: str) -> Iterator[Mapping[str, Any]]:
    for number in itertools.count(1):
        line = text.readline(_LONGEST)
        if not line:
            return
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number} of {name} is no JSON object") from error
        if not isinstance(row, dict):
            raise InputError(f"line {number} of {name} is no JSON object")
        yield row


def _table(text: TextIO, name: str, delimiter: str) -> Iterator[Mapping[str, Any]]:
    try:
        for row in csv.DictReader(text, delimiter=delimiter):
            yield {key: value for key, value in row.items() if key is not None}
    except csv.Error as error:
        raise InputError(f"{name} is no table of comma-separated values ({error})") from error
