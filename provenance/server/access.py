"""Access keys: who may ask for what costs work or writes.

A file holds a name and the SHA-256 of a key on each line, so that reading it opens nothing. Keys
are 32 random bytes, for which one round of SHA-256 is enough: there is nothing to guess.

A client sends its key as `X-Provenance-Key: …` or as `Authorization: Bearer …`. The first leaves
`Authorization` to whatever stands behind a proxy of ours; whichever matched is taken out of the
request, so that no key travels on.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from provenance.errors import ConfigError
from provenance.files import write_atomically
from provenance.server.errors import Refusal
from provenance.server.shield import reply

HEADER = b"x-provenance-key"

_LINE = re.compile(r"([A-Za-z0-9._-]{1,64})\s+sha256:([0-9a-f]{64})")
_PREFIX = "pvk_"


def new_key() -> str:
    """A fresh access key: shown to its client once, and kept nowhere."""
    return _PREFIX + secrets.token_urlsafe(32)


def line(name: str, key: str) -> str:
    """The line of a client for the file.

    Raises:
        ConfigError: the name has characters that it may not have.
    """
    text = f"{name} sha256:{_digest(key.encode())}"
    if not _LINE.fullmatch(text):
        raise ConfigError(f"'{name}' cannot name a client; expected letters, digits, . _ or -")
    return text


def add(path: Path, name: str) -> str:
    """Let another client in: its digest is added to the file, its key is returned.

    Raises:
        ConfigError: the name is taken or cannot be used, or the file is not one of ours.
        OutputError: it cannot be written.
    """
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before and name in read(path).values():
        raise ConfigError(
            f"{path} names {name} already; take its line out first, or choose another"
        )
    key = new_key()
    write_atomically(path, f"{before}{line(name, key)}\n".encode(), overwrite=True, mode=0o600)
    return key


def read(path: Path) -> Mapping[str, str]:
    """Names by digest.

    Raises:
        ConfigError: the file cannot be read, holds no client, or a line is none of ours.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the clients in {path} cannot be read ({error})") from error
    found: dict[str, str] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(text.strip())
        if match is None:
            raise ConfigError(
                f"line {number} of {path} is no client; expected: name sha256:64 hexadecimal "
                "digits, as provenance keys client writes them"
            )
        found[match[2]] = match[1]
    if not found:
        raise ConfigError(f"{path} names no client; add one with provenance keys client NAME")
    return found


class Access:
    """ASGI middleware: asks for a key where one is needed.

    The client's name is put into the scope's state as `client_name`.

    Args:
        app: what it stands before.
        clients: names by digest.
        needs_key: told the method and the path; True where a key must be shown.
    """

    def __init__(
        self,
        app: ASGIApp,
        clients: Mapping[str, str],
        needs_key: Callable[[str, str], bool],
    ) -> None:
        self._app = app
        self._clients = clients
        self._needs_key = needs_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name, headers = self._known(scope["headers"])
        if name is None and self._needs_key(scope.get("method", "GET"), scope["path"]):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            answer = Refusal(
                401,
                "key-needed",
                "an access key is needed here; send it as X-Provenance-Key",
                {"WWW-Authenticate": 'Bearer realm="provenance"'},
            )
            await reply(answer)(scope, receive, send)
            return
        # In place: what stands around us tells of the client in its log.
        scope.setdefault("state", {})["client_name"] = name
        scope["headers"] = headers
        await self._app(scope, receive, send)

    def _known(
        self, headers: list[tuple[bytes, bytes]]
    ) -> tuple[str | None, list[tuple[bytes, bytes]]]:
        """The client's name, and the headers without its key."""
        for position, (header, value) in enumerate(headers):
            key = _key(header.lower(), value)
            name = self._match(_digest(key)) if key else None
            if name is not None:
                rest = [*headers[:position], *headers[position + 1 :]]
                return name, [pair for pair in rest if pair[0].lower() != HEADER]
        return None, [pair for pair in headers if pair[0].lower() != HEADER]

    def _match(self, digest: str) -> str | None:
        name = None
        for known, client in self._clients.items():
            if hmac.compare_digest(known, digest):
                name = client
        return name


def _key(header: bytes, value: bytes) -> bytes:
    if header == HEADER:
        return value.strip()
    if header == b"authorization" and value[:7].lower() == b"bearer ":
        return value[7:].strip()
    return b""


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
