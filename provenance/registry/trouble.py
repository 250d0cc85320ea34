"""Says in one sentence what a database's refusal means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from provenance.errors import RegistryUnavailable

_SQLITE = (
    ("SQLITE_BUSY", "another process has kept it locked; try again, or end that process"),
    ("SQLITE_LOCKED", "another process has kept it locked; try again, or end that process"),
    ("SQLITE_READONLY", "it may not be written; check the permissions of the file and its folder"),
    ("SQLITE_CANTOPEN", "it cannot be opened; check that its folder exists and may be written"),
    ("SQLITE_PERM", "it may not be opened; check its permissions"),
    ("SQLITE_AUTH", "it may not be opened; check its permissions"),
    ("SQLITE_CORRUPT", "it is damaged; restore it from your backup"),
    ("SQLITE_NOTADB", "the file is damaged or no registry; restore it from your backup"),
    ("SQLITE_FULL", "the disk is full; free some space"),
    ("SQLITE_IOERR", "the disk refused to read or write; check the disk and its free space"),
    ("SQLITE_NOMEM", "there is too little memory; free some"),
    ("SQLITE_TOOBIG", "the manifest is too large for the database"),
)
"""Result codes, https://www.sqlite.org/rescode.html; extended codes begin with the primary one."""

_POSTGRES = (
    ("53100", "the server's disk is full; free some space there"),
    ("53300", "the server has no connection left; raise max_connections, or use fewer processes"),
    ("25006", "the server takes no writes (it may be a replica); name the primary server"),
    ("42501", "the user may not do this there; grant the rights to create and write tables"),
    ("28", "the server refused user or password; check the URL"),
    ("3D000", "the server has no such database; create it, or check the URL"),
    ("55P03", "another process has kept it locked; try again, or end that process"),
    ("57014", "another process has kept it locked; try again, or end that process"),
    ("XX00", "the server reports damaged data; restore it from your backup"),
)
"""SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html; by beginning."""


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Raise what SQLAlchemy raises as `RegistryUnavailable`.

    Args:
        name: of the registry, for people; holds no password.
    """
    try:
        yield
    except DBAPIError as error:
        raise RegistryUnavailable(
            f"the registry {name} cannot be used: {_reason(error.orig)}"
        ) from error
    except SQLAlchemyError as error:  # such as no free connection in the pool
        raise RegistryUnavailable(
            f"the registry {name} cannot be used: {type(error).__name__}; try again"
        ) from error


def _reason(error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorname", None)
    if code is not None:
        return _of(_SQLITE, str(code), "it is damaged, or no registry")
    if type(error).__module__.startswith("psycopg"):
        state = getattr(error, "sqlstate", None)
        away = "the server cannot be reached; check that it runs, and the URL"
        return _of(_POSTGRES, str(state), f"the server answered {state}") if state else away
    return f"{type(error).__name__}"


def _of(table: tuple[tuple[str, str], ...], code: str, otherwise: str) -> str:
    for prefix, reason in table:
        if code.startswith(prefix):
            return reason
    return f"{otherwise} ({code})"
