"""The rows of an audit as Parquet; docs/audit.md publishes the columns.

The same rows give the same bytes: no time, no machine and no worker is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.audit.interface import Found, Row, State
from provenance.errors import ConfigError, InputError

if TYPE_CHECKING:
    import pyarrow

VERSION = "provenance.audit.rows/1"
"""The number rises when a column changes its meaning."""


def arrow() -> Any:
    """The library that reads and writes Parquet.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ConfigError(
            "audits need packages that are not installed: pip install 'provenance-kit[audit]'"
        ) from error
    return pyarrow


def schema() -> pyarrow.Schema:
    """The columns, in the order of `Row`."""
    pa = arrow()
    text, number = pa.string(), pa.int64()
    found = pa.struct(
        [
            pa.field("code", text, nullable=False),
            pa.field("status", text, nullable=False),
            pa.field("says", text, nullable=False),
            pa.field("score", pa.float64()),
            pa.field("false_positive_rate", pa.float64()),
        ]
    )
    kinds = {
        "shard": number,
        "offset": number,
        "size": number,
        "width": pa.int32(),
        "height": pa.int32(),
        "camera": pa.bool_(),
        "opt_out": pa.list_(text),
        "causes": pa.list_(text),
        "unsafe": pa.map_(text, pa.float64()),
        "pixel_score": pa.float64(),
        "pixel_call": pa.bool_(),
        "fingerprint": pa.binary(64),
        "evidence": pa.list_(found),
    }
    maybe = {"size", "width", "height", "pixel_score", "pixel_call", "fingerprint"}
    return pa.schema(
        [
            pa.field(each.name, kinds.get(each.name, text), nullable=each.name in maybe)
            for each in fields(Row)
        ],
        metadata={"schema": VERSION},
    )


def rendered(rows: Iterable[Row], facts: Mapping[str, Any]) -> bytes:
    """Rows as the bytes of a Parquet file.

    Args:
        rows: in order.
        facts: kept in the file's metadata, ready for JSON.
    """
    pa = arrow()
    columns = schema().with_metadata(
        {"schema": VERSION, "facts": json.dumps(facts, sort_keys=True)}
    )
    table = pa.Table.from_pylist([plain(row) for row in rows], schema=columns)
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink, compression="zstd", version="2.6")
    return bytes(sink.getvalue().to_pybytes())


def read(path: Path) -> Iterator[Row]:
    """The rows of a file, in order, a batch at a time.

    Raises:
        InputError: it is damaged, or no file of rows.
    """
    for batch in batches(path):
        for values in batch.to_pylist():
            yield _row(values)


def batches(path: Path, columns: list[str] | None = None) -> Iterator[Any]:
    """Record batches of a file, of some columns or all.

    Raises:
        InputError: it is damaged, or no file of rows.
    """
    pa = arrow()
    try:
        with pa.parquet.ParquetFile(path) as file:
            known = (file.schema_arrow.metadata or {}).get(b"schema", b"").decode()
            if known != VERSION:
                raise InputError(f"{path} holds no rows of an audit ({known or 'no schema'})")
            yield from file.iter_batches(batch_size=4096, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}); audit again") from error


def plain(row: Row) -> dict[str, Any]:
    """A row as Arrow, Spark and JSON take it."""
    values = {each.name: getattr(row, each.name) for each in fields(Row)}
    values["state"] = row.state.value
    values["opt_out"], values["causes"] = list(row.opt_out), list(row.causes)
    values["unsafe"] = sorted(row.unsafe.items())
    values["evidence"] = [
        {each.name: getattr(found, each.name) for each in fields(Found)} for found in row.evidence
    ]
    return values


def _row(values: dict[str, Any]) -> Row:
    values["state"] = State(values["state"])
    values["opt_out"], values["causes"] = tuple(values["opt_out"]), tuple(values["causes"])
    values["unsafe"] = dict(values["unsafe"])
    values["evidence"] = tuple(Found(**found) for found in values["evidence"])
    return Row(**values)
