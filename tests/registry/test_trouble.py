"""Whatever is wrong with the database, one sentence says what and what to do."""

import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

from provenance.errors import RegistryUnavailable
from provenance.registry.schema import MIGRATIONS
from provenance.registry.store import SqlRegistry
from tests.registry.samples import a_record, mounted, remount, unprivileged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "registry.db"


@pytest.fixture
def filled(path):
    registry = SqlRegistry(path)
    for number in range(50):
        registry.add(a_record(number))
    registry.close()
    return path


def refused(match):
    return pytest.raises(RegistryUnavailable, match=match)


def test_locked_by_another(filled):
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    registry = SqlRegistry(filled, patience=0.1)
    assert registry.count() == 50  # reading goes on beside a writer
    with refused(r"registry\.db cannot be used: another process has kept it locked; try again"):
        registry.add(a_record(99))
    other.execute("ROLLBACK")
    assert registry.add(a_record(99))
    registry.close()
    other.close()


def test_a_read_only_file(filled):
    with tempfile.TemporaryDirectory() as folder:  # one that others may enter
        path = Path(folder) / "registry.db"
        shutil.copy(filled, path)
        path.parent.chmod(0o755)
        path.chmod(0o444)
        with unprivileged():
            registry = SqlRegistry(path)
            with refused(r"it may not be written; check the permissions"):
                registry.add(a_record(99))
            registry.close()


def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o555)
    with unprivileged(), refused(r"cannot be made: Permission denied; check its folder"):
        SqlRegistry(tmp_path / "registry.db").count()


def test_a_read_only_file_system(tmp_path):
    with mounted(tmp_path, "size=4m"):
        registry = SqlRegistry(tmp_path / "registry.db")
        registry.add(a_record(1))
        registry.close()
        remount(tmp_path, "ro")
        with refused(r"may not be written|cannot be opened"):
            registry.add(a_record(2))
        registry.close()


def test_a_full_disk(tmp_path):
    with mounted(tmp_path, "size=600k"):
        registry = SqlRegistry(tmp_path / "registry.db")
        kept = 0
        with refused(r"the disk is full|the disk refused to read or write"):
            for kept in range(1000):
                registry.add(a_record(kept, manifest=bytes(20_000)))
        assert 0 < kept < 1000
        assert {r.manifest_id for r in registry.iterate()} == {f"urn:c2pa:{n}" for n in range(kept)}
        registry.close()


def test_no_database_at_all(path):
    path.write_bytes(b"This is a letter to my grandmother.\n" * 100)
    with refused(r"the file is damaged or no registry; restore it from your backup"):
        SqlRegistry(path).check()


def test_damaged_pages(filled):
    data = bytearray(filled.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 200] = b"\xff" * 200
    filled.write_bytes(data)
    registry = SqlRegistry(filled)
    with refused(r"it is damaged; restore it from your backup"):
        list(registry.iterate())
    registry.close()


def test_a_database_cut_short(filled):
    filled.write_bytes(filled.read_bytes()[:10_000])
    registry = SqlRegistry(filled)
    with refused(r"damaged|refused to read"):
        list(registry.iterate())
    registry.close()


def test_a_folder_in_its_place(path):
    path.mkdir()
    with refused(r"it cannot be opened; check that its folder exists"):
        SqlRegistry(path).count()


def test_a_newer_schema(filled):
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(filled) as connection:
        connection.execute("UPDATE provenance_schema SET version = ?", [newer])
    connection.close()
    with refused(
        rf"the registry has schema {newer}, this program knows up to {newer - 1}; install a newer"
    ):
        SqlRegistry(filled).count()


def test_a_newer_schema_on_a_server(postgres, server):
    SqlRegistry(postgres).count()
    name = postgres.split("?")[0].rsplit("/", 1)[1]
    server.psql(f"\\c {name}\nUPDATE provenance_schema SET version = 99;")
    with refused(r"has schema 99"):
        SqlRegistry(postgres).count()


def test_a_server_that_is_not_there():
    registry = SqlRegistry("postgresql://me:secret@127.0.0.1:9/db", patience=2)
    with refused(r"the server cannot be reached; check that it runs, and the URL") as caught:
        registry.count()
    assert "secret" not in str(caught.value)


def test_a_server_locked_by_another(postgres):
    psycopg = pytest.importorskip("psycopg")
    registry = SqlRegistry(postgres, patience=0.2)
    registry.add(a_record(1))
    with psycopg.connect(postgres) as other:
        other.execute("LOCK TABLE provenance_records")
        with refused(r"another process has kept it locked"):
            registry.add(a_record(2))
    assert registry.add(a_record(2))
    registry.close()


def test_a_database_that_the_server_does_not_have(postgres):
    pytest.importorskip("psycopg")
    missing = postgres.replace("/registry", "/missing")
    with refused(r"cannot be reached|no such database"):
        SqlRegistry(missing).count()


def test_a_missing_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with refused(r"pip install provenance-kit\[postgres\]"):
        SqlRegistry("postgresql://host/db").count()


@pytest.mark.parametrize("where", ["mysql://host/db", "sqlite://", "://", "nothing://x"])
def test_addresses_that_we_do_not_know(where):
    with refused(r"the registry's address .*expected a path"):
        SqlRegistry(where).count()
