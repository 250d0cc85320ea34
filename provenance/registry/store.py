"""`SqlRegistry`: records in SQLite or PostgreSQL, safe with many processes, threads and forks."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, func, select

from provenance._per_process import PerProcess
from provenance.errors import RegistryConflict
from provenance.registry.engine import PATIENCE, Database, shown
from provenance.registry.fingerprint import MATCH, Fingerprint, Probes
from provenance.registry.index import FingerprintIndex
from provenance.registry.interface import Match, Record
from provenance.registry.schema import RECORDS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 500
_INDEX_PAGE = 20_000


class SqlRegistry:
    """A registry in a database. Opened on first use, by every process for itself.

    Args:
        where: path of a SQLite file, made with mode 0600 if missing, or `postgresql://…`.
        patience: seconds to wait for another process that writes.
    """

    def __init__(self, where: str | Path, *, patience: float = PATIENCE) -> None:
        self._where = str(where)
        self._make = functools.partial(_Opened, self._where, patience)
        self._opened = PerProcess(self._make)

    def __repr__(self) -> str:
        """Without a password."""
        return f"SqlRegistry({shown(self._where)!r})"

    def add(self, record: Record) -> bool:
        """Keep a record durably; False if the same one was there already.

        Raises:
            RegistryConflict: the id is there with other content.
            RegistryUnavailable: it could not be kept.
        """
        with self._opened().database.writing() as connection:
            same_id = RECORDS.c.manifest_id == record.manifest_id
            found = connection.execute(select(RECORDS.c.digest).where(same_id)).scalar()
            if found is None:
                connection.execute(RECORDS.insert().values(**_row(record)))
        if found not in (None, record.digest):
            raise RegistryConflict(
                f"the registry holds other content under {record.manifest_id}; the old record "
                "was kept: every manifest needs an id of its own"
            )
        return found is None

    def by_manifest(self, manifest_id: str) -> Record | None:
        """The record of a manifest, or None."""
        return next(iter(self._where_(RECORDS.c.manifest_id == manifest_id)), None)

    def by_payload(self, algorithm: str, payload: str) -> tuple[Record, ...]:
        """Records whose mark carries this payload, oldest first."""
        column = RECORDS.c
        return tuple(
            self._where_(column.payload == payload, column.watermark_algorithm == algorithm)
        )

    def by_fingerprint(
        self, probes: Probes, limit: int = 10, max_distance: int = MATCH
    ) -> tuple[Match, ...]:
        """Records that look like a picture, nearest first. Sees all that was added before."""
        found = self._opened().search(probes, limit, max_distance)
        records = self._numbered([number for number, _ in found])
        return tuple(Match(records[number], apart) for number, apart in found if number in records)

    def count(self) -> int:
        """Number of records."""
        with self._opened().database.reading() as connection:
            return connection.execute(select(func.count()).select_from(RECORDS)).scalar_one()

    def iterate(self) -> Iterator[Record]:
        """All records in the order of their arrival, also those that arrive meanwhile."""
        last = 0
        while True:
            query = select(RECORDS).where(RECORDS.c.number > last).order_by(RECORDS.c.number)
            with self._opened().database.reading() as connection:
                rows = connection.execute(query.limit(_PAGE)).all()
            if not rows:
                return
            last = rows[-1].number
            yield from map(_record, rows)

    def check(self) -> None:
        """Read something, for `provenance doctor`.

        Raises:
            RegistryUnavailable: locked, corrupt, of a newer schema, or unreachable.
        """
        self.count()

    def close(self) -> None:
        """Let go of connections and of the index. It may be used again afterwards."""
        self._opened().close()
        self._opened = PerProcess(self._make)

    def _where_(self, *conditions: ColumnElement[bool]) -> list[Record]:
        with self._opened().database.reading() as connection:
            query = select(RECORDS).where(*conditions).order_by(RECORDS.c.number)
            return [_record(row) for row in connection.execute(query)]

    def _numbered(self, numbers: Sequence[int]) -> dict[int, Record]:
        with self._opened().database.reading() as connection:
            rows = connection.execute(select(RECORDS).where(RECORDS.c.number.in_(numbers)))
            return {row.number: _record(row) for row in rows}


class _Opened:
    """What one process holds: its database, and an index that follows it."""

    def __init__(self, where: str, patience: float) -> None:
        self._where = where
        self._patience = patience
        self._database: Database | None = None
        self._opening = threading.Lock()
        self._index = FingerprintIndex()
        self._lock = threading.Lock()

    @property
    def database(self) -> Database:
        with self._opening:
            if self._database is None:
                self._database = Database(self._where, self._patience)
            return self._database

    def close(self) -> None:
        with self._opening:
            if self._database is not None:
                self._database.close()

    def search(self, probes: Probes, limit: int, max_distance: int) -> list[tuple[int, int]]:
        with self._lock:
            self._follow()
            return self._index.search(probes, limit, max_distance)

    def _follow(self) -> None:
        """Take in what was added since, by any process."""
        columns = select(RECORDS.c.number, RECORDS.c.fingerprint)
        while True:
            new = RECORDS.c.number > self._index.last, RECORDS.c.fingerprint.is_not(None)
            query = columns.where(*new).order_by(RECORDS.c.number).limit(_INDEX_PAGE)
            with self.database.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            numbers = np.array([row[0] for row in rows], np.int64)
            self._index.extend(numbers, b"".join(row[1] for row in rows))


def _row(record: Record) -> dict[str, Any]:
    kept = record.fingerprint
    return {
        "manifest_id": record.manifest_id,
        "digest": record.digest,
        "sha256": record.sha256,
        "media_type": record.media_type,
        "width": record.width,
        "height": record.height,
        "created_us": (record.created_at - _EPOCH) // _MICROSECOND,
        "key_id": record.key_id,
        "policy": record.policy,
        "action": record.action,
        "watermark_algorithm": record.watermark_algorithm,
        "payload": record.payload,
        "tiles": record.tiles,
        "fingerprint": kept.to_bytes() if kept else None,
        "manifest": record.manifest,
    }


def _record(row: Row[Any]) -> Record:
    return Record(
        manifest_id=row.manifest_id,
        manifest=bytes(row.manifest),
        sha256=row.sha256,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        created_at=_EPOCH + row.created_us * _MICROSECOND,
        key_id=row.key_id,
        policy=row.policy,
        action=row.action,
        watermark_algorithm=row.watermark_algorithm,
        payload=row.payload,
        tiles=row.tiles,
        fingerprint=Fingerprint.from_bytes(bytes(row.fingerprint)) if row.fingerprint else None,
    )
