"""Put the rows of an audit into an SQLite database, to be asked with plain SQL.

    python into_sqlite.py AUDIT OUTPUT.sqlite
    sqlite3 OUTPUT.sqlite "SELECT generator, count(*) FROM files WHERE claimed <> '' GROUP BY 1"

Lists and scores are JSON there: json_each(opt_out), json_extract(unsafe, '$.nudity').
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.run import Run


def into_sqlite(audit: Path, database: Path) -> int:
    """Write the table `files` into a new database; gives the number of rows."""
    names = schema.schema().names
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join("?" for _ in names)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"CREATE TABLE files ({columns}, PRIMARY KEY (shard, offset))")
        done = connection.executemany(f"INSERT INTO files VALUES ({places})", rows(audit))
    return done.rowcount


def rows(audit: Path) -> Iterator[tuple[Any, ...]]:
    """Rows as SQLite takes them."""
    for part in Run(audit).parts():
        for batch in schema.batches(part):
            for row in batch.to_pylist():
                yield tuple(json.dumps(v) if isinstance(v, list) else v for v in plain(row))


def plain(row: Mapping[str, Any]) -> Iterator[Any]:
    """The values, in order; scores by category are pairs in Arrow, and an object in JSON."""
    for name, value in row.items():
        yield json.dumps(dict(value)) if name == "unsafe" else value


if __name__ == "__main__":
    print(into_sqlite(Path(sys.argv[1]), Path(sys.argv[2])), "rows")
