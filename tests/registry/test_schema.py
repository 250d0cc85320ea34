"""An older registry becomes a newer one, once, whoever comes first."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text

from provenance.registry.engine import Database
from provenance.registry.schema import MIGRATIONS, RECORDS, is_current, migrate


def notes(connection):
    Table("notes", MetaData(), Column("id", Integer)).create(connection)


def test_a_new_registry_has_the_newest_schema(where):
    database = Database(where)
    with database.reading() as connection:
        assert is_current(connection)
        columns = {c["name"] for c in inspect(connection).get_columns(RECORDS.name)}
    assert columns == {c.name for c in RECORDS.columns}
    database.close()


def test_only_what_is_missing_is_done(where):
    database = Database(where)
    later = (*MIGRATIONS, notes)
    with database.reading() as connection:
        assert not is_current(connection, later)
    for _ in range(2):
        with database.writing() as connection:
            migrate(connection, later)
    with database.reading() as connection:
        assert inspect(connection).has_table("notes")
        versions = connection.execute(text("SELECT version FROM provenance_schema")).all()
    assert versions == [(len(later),)]
    database.close()


def test_a_migration_that_fails_leaves_everything_as_it_was(where):
    database = Database(where)

    def breaks(connection):
        notes(connection)
        raise LookupError

    with pytest.raises(LookupError), database.writing() as connection:
        migrate(connection, (*MIGRATIONS, breaks))
    with database.reading() as connection:
        assert is_current(connection)
        assert not inspect(connection).has_table("notes")
    database.close()


def test_sqlite_is_set_up_for_durability(tmp_path):
    database = Database(str(tmp_path / "registry.db"))
    with database.reading() as connection:
        pragma = lambda name: connection.execute(text(f"PRAGMA {name}")).scalar()  # noqa: E731
        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("busy_timeout") == 10_000
    database.close()
