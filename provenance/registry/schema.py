"""The tables, and how an older registry becomes a newer one.

Migrations are a list of functions and a table with one number. Alembic was tried and left out: it
wants a folder of scripts and an environment, brings a template engine, and neither locks out a
second process nor knows what to say of a registry newer than the program, which is all we need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
    select,
)

from provenance.errors import RegistryUnavailable

METADATA = MetaData()

VERSION = Table("provenance_schema", METADATA, Column("version", Integer, primary_key=True))

RECORDS = Table(
    "provenance_records",
    METADATA,
    # Rises in the order of commits, since only one process adds at a time; the index follows it.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("manifest_id", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("watermark_algorithm", Text),
    Column("payload", Text),
    Column("tiles", Float),
    Column("fingerprint", LargeBinary),
    Column("manifest", LargeBinary, nullable=False),
    Index("provenance_records_payload", "payload", "watermark_algorithm"),
    sqlite_autoincrement=True,
)
"""`manifest` stands last: SQLite then reads the other columns without following its pages."""

Migration = Callable[[Connection], None]


def _first(connection: Connection) -> None:
    RECORDS.create(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)
"""Number n brings a registry from version n to n + 1. Never edited, only added to."""


def is_current(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """True if there is nothing to do.

    Raises:
        RegistryUnavailable: the registry was made by a newer program.
    """
    found = _version(connection)
    if found > len(migrations):
        raise RegistryUnavailable(
            f"the registry has schema {found}, this program knows up to {len(migrations)}; "
            "install a newer provenance-kit: pip install --upgrade provenance-kit"
        )
    return found == len(migrations)


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the registry to the newest schema. The caller holds the lock on writing.

    Raises:
        RegistryUnavailable: the registry was made by a newer program.
    """
    if is_current(connection, migrations):  # another process may have been faster
        return
    VERSION.create(connection, checkfirst=True)
    for step in migrations[_version(connection) :]:
        step(connection)
    connection.execute(VERSION.delete())
    connection.execute(VERSION.insert().values(version=len(migrations)))


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(VERSION.name):
        return 0
    return connection.execute(select(VERSION.c.version)).scalar() or 0
