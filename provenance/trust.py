"""Trust lists: PEM bundles of the signers whose pictures `verify` calls trusted.

Each list is a file in the folder `trust` beside `provenance.toml`, with a note of where it came
from and its SHA-256. The digest is compared whenever the list is used. A list from the network is
taken only with the digest that its publisher states, since who can alter a trust list decides what
is trusted.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from cryptography import x509

from provenance.errors import ConfigError
from provenance.files import make_private_folder, write_atomically

MAX_BYTES = 5 << 20
"""The official C2PA list has about 100 kB."""

TIMEOUT = 20.0
"""Seconds that a server may be silent."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class TrustList:
    """One list as it is kept.

    Attributes:
        name: of its file, without the suffix.
        source: the path or URL that it came from.
        sha256: of the PEM file, in hexadecimal.
        added: when it was added or last updated, ISO 8601 in UTC.
        subjects: of its certificates, as RFC 4514 text.
        expired: how many of its certificates are past their date. They are still anchors.
    """

    name: str
    source: str
    sha256: str
    added: str
    subjects: tuple[str, ...]
    expired: int


class TrustStore:
    """The folder of trust lists.

    Args:
        folder: made when the first list is added.
        fetch: gets a URL; replaced in tests alone.
    """

    def __init__(self, folder: Path, fetch: Callable[[str], bytes] | None = None) -> None:
        self._folder = folder
        self._fetch = fetch or _fetched

    def lists(self) -> tuple[TrustList, ...]:
        """All lists, by name.

        Raises:
            ConfigError: a list was altered, or cannot be read.
        """
        return tuple(self._read(path) for path in sorted(self._folder.glob("*.pem")))

    def bundles(self) -> tuple[str, ...]:
        """The PEM text of all lists.

        Raises:
            ConfigError: a list was altered, or cannot be read.
        """
        return tuple(
            (self._folder / f"{known.name}.pem").read_text(encoding="utf-8", errors="replace")
            for known in self.lists()
        )

    def add(self, source: str, *, name: str | None = None, sha256: str | None = None) -> TrustList:
        """Take a PEM bundle from a file, or from an https URL.

        Args:
            source: path or URL.
            name: to keep it under; made from the source if left out.
            sha256: digest that it must have; required for a URL.

        Raises:
            ConfigError: it cannot be read, is no PEM bundle, has another digest, or the name is
                taken.
        """
        label = name or _named(source)
        if not _NAME.fullmatch(label):
            raise ConfigError(
                f"'{label}' cannot name a trust list; use small letters, digits, '.', '_' and '-'"
            )
        if (self._folder / f"{label}.pem").exists():
            raise ConfigError(
                f"there is a trust list '{label}' already; use provenance trust update {label}, "
                "or another --name"
            )
        return self._keep(label, source, sha256)

    def update(self, name: str, *, sha256: str | None = None) -> TrustList:
        """Fetch a list again from where it came. The old one stays if anything goes wrong.

        Raises:
            ConfigError: as `add`, or there is no such list.
        """
        return self._keep(name, self._found(name).source, sha256)

    def remove(self, name: str) -> TrustList:
        """Stop trusting a list. Its file is renamed, not deleted.

        Raises:
            ConfigError: there is no such list.
        """
        known = self._found(name)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        for suffix in (".pem", ".json"):
            path = self._folder / f"{name}{suffix}"
            path.rename(path.with_name(f"{path.name}.removed-{stamp}"))
        return known

    def _found(self, name: str) -> TrustList:
        path = self._folder / f"{name}.pem"
        if not _NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(p.stem for p in sorted(self._folder.glob("*.pem"))) or "none"
            raise ConfigError(f"there is no trust list '{name}'; there are: {known}")
        return self._read(path)

    def _keep(self, name: str, source: str, sha256: str | None) -> TrustList:
        data, online = self._taken(source)
        digest = hashlib.sha256(data).hexdigest()
        if sha256 is not None and sha256.strip().lower() != digest:
            raise ConfigError(
                f"the trust list has SHA-256 {digest}, expected {sha256}; it was not taken"
            )
        _certificates(data, source)
        if online and sha256 is None:
            raise ConfigError(
                f"the trust list at {source} has SHA-256 {digest}; compare that with what its "
                f"publisher states, and repeat with --sha256 {digest}"
            )
        note = {
            "source": source if online else str(Path(source).expanduser().absolute()),
            "sha256": digest,
            "added": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        make_private_folder(self._folder)
        # The note first: a list without its note, or with another's, is refused when read.
        encoded = json.dumps(note, indent=1).encode() + b"\n"
        write_atomically(self._folder / f"{name}.json", encoded, overwrite=True, mode=0o600)
        write_atomically(self._folder / f"{name}.pem", data, overwrite=True, mode=0o600)
        return self._read(self._folder / f"{name}.pem")

    def _taken(self, source: str) -> tuple[bytes, bool]:
        if "://" in source:
            return self._fetch(source), True
        path = Path(source).expanduser()
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConfigError(
                f"the trust list {source} cannot be read ({error.strerror}); expected a PEM file"
            ) from error
        if len(data) > MAX_BYTES:
            raise ConfigError(f"the trust list {source} has over {MAX_BYTES:,} bytes; not taken")
        return data, False

    def _read(self, path: Path) -> TrustList:
        try:
            data = path.read_bytes()
            note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            source, digest, added = note["source"], note["sha256"], note["added"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the trust list {path} or its note cannot be read; remove both files and add the "
                "list again"
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise ConfigError(
                f"the trust list {path} was altered after it was added; remove it and its note, "
                "and add the list again"
            )
        certificates = _certificates(data, str(path))
        now = datetime.now(UTC)
        return TrustList(
            name=path.stem,
            source=str(source),
            sha256=str(digest),
            added=str(added),
            subjects=tuple(c.subject.rfc4514_string() for c in certificates),
            expired=sum(c.not_valid_after_utc < now for c in certificates),
        )


def to_dict(known: TrustList) -> dict[str, object]:
    """A list, ready for JSON."""
    return asdict(known)


def _certificates(data: bytes, source: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise ConfigError(
            f"the trust list {source} holds no certificate, or a damaged one; expected a PEM file"
        ) from error


def _named(source: str) -> str:
    stem = source.rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-.") or "list"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A server that answers with another address has not given the list that was asked for."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the answer is then raised as an HTTP error."""


def _fetched(url: str) -> bytes:
    """The body behind an https URL: no redirect, a cap on bytes, a limit on silence."""
    if not url.startswith("https://"):
        raise ConfigError(f"the trust list {url} is not behind https; use https, or a file")
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise ConfigError(
            f"the trust list {url} cannot be fetched ({error}); download it and give the file"
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the trust list {url} has over {MAX_BYTES:,} bytes; not taken")
    return data
