"""Opens a database: SQLite in a private file, or PostgreSQL by URL; every process for itself.

Connections are kept between pieces of work: closing the last one to SQLite costs a checkpoint and
two more syncs of the disk. But no connection may cross a `fork`
(https://www.sqlite.org/howtocorrupt.html, 2.6), so idle ones are closed just before it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from provenance.errors import RegistryUnavailable
from provenance.registry import schema
from provenance.registry.trouble import translated

PATIENCE = 10.0
"""Seconds to wait for another process that writes, or for a server that does not answer."""

_LOCK = 0x70726F76
"""Key of the advisory lock under which PostgreSQL adds and migrates; 'prov' in ASCII."""


class Database:
    """An engine with our settings, its schema up to date.

    Args:
        where: path of a SQLite file, made if missing, or a URL that SQLAlchemy knows.
        patience: seconds to wait for locks and servers.

    Raises:
        RegistryUnavailable: it cannot be opened, or its schema is newer than this program.
    """

    def __init__(self, where: str, patience: float = PATIENCE) -> None:
        url = address(where)
        self.name = shown(where)
        self._sqlite = url.get_backend_name() == "sqlite"
        if self._sqlite:
            make_private(Path(url.database or ""), self.name)
        self._engine = _engine(url, patience)
        self._one_writer = threading.Lock() if self._sqlite else contextlib.nullcontext()
        weakref.finalize(self, self._engine.dispose)
        _OPEN.add(self)
        try:
            with self.reading() as connection:
                current = schema.is_current(connection)
            if not current:
                with self.writing() as connection:
                    schema.migrate(connection)
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the registry until it is given back."""
        with translated(self.name), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside; durable when the block is left."""
        with self._one_writer, translated(self.name), self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                if not self._sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield connection

    def close(self) -> None:
        """Close idle connections; new ones are opened when they are needed."""
        self._engine.dispose()


_OPEN: weakref.WeakSet[Database] = weakref.WeakSet()


def _close_before_fork() -> None:
    for database in tuple(_OPEN):
        database.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_before_fork)


def address(where: str) -> URL:
    """The URL of a path or a URL; PostgreSQL is spoken to through psycopg 3.

    Raises:
        RegistryUnavailable: it is neither.
    """
    if "://" not in where:
        return URL.create("sqlite", database=str(Path(where).expanduser().absolute()))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise RegistryUnavailable(
            f"the registry's address {shown(where)} cannot be understood; expected a path, or "
            "postgresql://user@host/database"
        ) from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql") or (backend == "sqlite" and not url.database):
        raise RegistryUnavailable(
            f"the registry's address begins with {url.drivername}; expected a path of a SQLite "
            "file, or postgresql://"
        )
    return url


def shown(where: str) -> str:
    """The path or URL without its password."""
    if "://" not in where:
        return where
    try:
        url = make_url(where)
    except ArgumentError:
        return f"{where.split('://', maxsplit=1)[0]}://…"
    return url.set(query={}).render_as_string(hide_password=True)


def make_private(path: Path, name: str) -> None:
    """Make the file with mode 0600 if it is missing; SQLite gives its side files the same.

    Raises:
        RegistryUnavailable: it cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise RegistryUnavailable(
            f"the registry {name} cannot be made: {error.strerror}; check its folder"
        ) from error


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            max_overflow=-1,  # of threads, each waits for a lock rather than for a connection
            connect_args={"timeout": patience, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=patience,
            connect_args={"connect_timeout": max(2, round(patience))},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise RegistryUnavailable(
            "PostgreSQL needs a driver that is not installed: pip install provenance-kit[postgres]"
        ) from error

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = {round(1000 * patience)}")
        connection.commit()

    event.listen(engine, "connect", prepare)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin
    try:
        # WAL stays with the file; asking first avoids a lock on every connection.
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA trusted_schema=OFF")
    except BaseException:
        connection.close()
        raise


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another has written.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
