"""Examine the pictures of a dataset with `datasets.map`: columns beside its own.

    python map_dataset.py SAVED OUTPUT [COLUMN]

SAVED is what `Dataset.save_to_disk` made, and OUTPUT will be such a folder too. For a whole audit,
with a report: provenance audit SAVED.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from datasets import Dataset, Features, Image, load_from_disk

from provenance.audit.examine import Examiner
from provenance.audit.interface import Sample, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.schema import plain, schema

COLUMNS = Features.from_arrow_schema(
    pa.schema(
        each.with_type(pa.string()) if each.name == "unsafe" else each  # a map: not in `datasets`
        for each in schema()
    )
)


class Examined:
    """A row for a record. Made anew for each `map`: it loads its models where it is called."""

    def __init__(self, column: str, asked: Asked) -> None:
        self._column = column
        self._examiner = Examiner(asked)

    def __call__(self, record: dict[str, Any], number: int) -> dict[str, Any]:
        picture = record[self._column]
        path = picture["path"] or f"row {number}"

        def opened() -> BinaryIO:
            data = picture["bytes"]
            return Path(picture["path"]).open("rb") if data is None else io.BytesIO(data)

        shard = Shard(0, "datasets", {})
        row = plain(self._examiner.examine(Sample(path, number, opened), shard))
        return {**row, "unsafe": json.dumps(dict(row["unsafe"]))}


def examined(pictures: Dataset, column: str = "image", *, processes: int | None = None) -> Dataset:
    """The rows of docs/audit.md, one for each record; `unsafe` is JSON."""
    undecoded = pictures.cast_column(column, Image(decode=False))
    return undecoded.map(
        Examined(column, Asked(Pixels.DOUBT)),
        with_indices=True,
        remove_columns=undecoded.column_names,
        features=COLUMNS,
        num_proc=processes,
    )


if __name__ == "__main__":
    saved, output, *column = sys.argv[1:]
    examined(load_from_disk(saved), *column).save_to_disk(output)
