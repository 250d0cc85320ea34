"""Parquet files with a column of pictures, or of their paths: one shard for each row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from provenance.audit import schema
from provenance.audit.interface import Sample, Shard
from provenance.audit.sources import columns
from provenance.audit.sources.folder import sorted_into
from provenance.audit.sources.places import Place
from provenance.errors import InputError

_ROWS = 500
"""Of a row group with bytes, so many are held at a time."""


class ParquetSource:
    """The rows of Parquet files.

    Args:
        files: in their order.
        column: with the pictures; found by its name if left out.
        root: the folder of paths in the table; that of each file if left out.
    """

    def __init__(self, files: Sequence[Place], column: str = "", root: Place | None = None) -> None:
        self._files = tuple(files)
        self._column = column
        self._root = root

    @property
    def name(self) -> str:
        """The first file, and how many there are."""
        more = f" and {len(self._files) - 1} more" if len(self._files) > 1 else ""
        return f"{self._files[0].name}{more}"

    def shards(self) -> Iterator[Shard]:
        """One for each row group.

        Raises:
            InputError: a file is no Parquet, or has no column of pictures.
        """
        pa = schema.arrow()
        number = 0
        for file in self._files:
            try:
                with file.open() as opened, pa.parquet.ParquetFile(opened) as table:
                    columns.chosen(table.schema_arrow.names, file.name, self._column)
                    groups = [table.metadata.row_group(n) for n in range(table.num_row_groups)]
                    sizes = [(group.num_rows, group.total_byte_size) for group in groups]
            except (OSError, pa.ArrowException) as error:
                raise InputError(f"{file.name} cannot be read as Parquet ({error})") from error
            for group, (rows, size) in enumerate(sizes):
                where = {"file": file.text, "group": group}
                yield Shard(number, f"{file.name} row group {group}", where, rows, size)
                number += 1

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The rows of a shard, in order.

        Raises:
            OSError: the file cannot be read now.
        """
        pa = schema.arrow()
        place, group = Place(shard.where["file"]), shard.where["group"]
        root = self._root or Place(place.text.rpartition("/")[0] or ".")
        base = place.name.rsplit("/", 1)[-1]
        with place.open() as opened:
            try:
                with pa.parquet.ParquetFile(opened) as table:
                    chosen = columns.chosen(table.schema_arrow.names, place.name, self._column)
                    before = sum(table.metadata.row_group(n).num_rows for n in range(group))
                    split = _split_of(base)
                    offset = 0
                    for batch in table.iter_batches(_ROWS, [group], columns=chosen.wanted):
                        for row in batch.to_pylist():
                            name = f"{base}/{before + offset}"
                            yield _with(columns.sample(row, chosen, offset, name, root), split)
                            offset += 1
            except pa.ArrowException as error:
                raise OSError(f"{place.name} cannot be read ({error})") from error


def _split_of(name: str) -> str:
    """`train-00000-of-00002.parquet` is of the split train, as Hugging Face names its files."""
    return sorted_into(f"{name.partition('-')[0].partition('.')[0]}/")[1]


def _with(sample: Sample, split: str) -> Sample:
    return sample if sample.split or not split else replace(sample, split=split)
