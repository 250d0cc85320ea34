"""`QueueingRegistry`: goes on issuing while the database is away, and loses no record by it.

A record that the database does not take is kept in a folder, and is on the disk before its picture
leaves. It is handed over as soon as the database answers again. Until then nobody else finds it.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from provenance.errors import OutputError, RegistryConflict, RegistryUnavailable
from provenance.files import make_private_folder, write_atomically
from provenance.registry.fingerprint import MATCH, Fingerprint, Probes
from provenance.registry.interface import Match, Record, Registry

RETRY = 5.0
"""Seconds for which a database that did not answer is not asked again: each try may cost seconds
itself, and pictures wait for it."""

_AT_A_TIME = 50
"""Records handed over beside one new one, so that no picture waits for all of them."""


class QueueingRegistry:
    """A registry before another one. Safe with many processes, threads and forks.

    Args:
        registry: the one that answers questions and, when it can, takes records.
        folder: keeps what waits; made when it is needed, readable by its owner alone.
    """

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry = registry
        self._folder = folder
        self._away_until = 0.0
        self._handing = threading.Lock()

    def add(self, record: Record) -> bool:
        """Keep a record durably, here or there; False if the same one was there already.

        Raises:
            RegistryConflict: the id is there with other content.
            RegistryUnavailable: it could be kept neither there nor here.
        """
        if time.monotonic() >= self._away_until:
            try:
                added = self._registry.add(record)
            except RegistryUnavailable:
                self._away_until = time.monotonic() + RETRY
            else:
                self.hand_over(_AT_A_TIME)
                return added
        return self._keep(record)

    def waiting(self) -> int:
        """Records that wait."""
        return len(self._files())

    def hand_over(self, most: int | None = None) -> int:
        """Give what waits to the registry, oldest first.

        Args:
            most: at most so many; all by default.

        Returns:
            How many it has now. Those that it does not take go on waiting.
        """
        if not self._handing.acquire(blocking=False):
            return 0  # another thread is at it
        done = 0
        try:
            for path in self._files()[:most]:
                try:
                    self._registry.add(_record(path.read_bytes()))
                except FileNotFoundError:
                    continue  # another process was faster
                except RegistryUnavailable:
                    self._away_until = time.monotonic() + RETRY
                    break
                except (RegistryConflict, ValueError, KeyError):
                    path.rename(path.with_suffix(".refused"))  # kept for whoever looks into it
                    continue
                path.unlink(missing_ok=True)
                done += 1
        finally:
            self._handing.release()
        return done

    def by_manifest(self, manifest_id: str) -> Record | None:
        """The record of a manifest, or None."""
        return self._registry.by_manifest(manifest_id)

    def by_payload(self, algorithm: str, payload: str) -> tuple[Record, ...]:
        """Records whose mark carries this payload, oldest first."""
        return self._registry.by_payload(algorithm, payload)

    def by_fingerprint(
        self, probes: Probes, limit: int = 10, max_distance: int = MATCH
    ) -> tuple[Match, ...]:
        """Records that look like a picture, nearest first."""
        return self._registry.by_fingerprint(probes, limit, max_distance)

    def count(self) -> int:
        """Number of records that were handed over."""
        return self._registry.count()

    def iterate(self) -> Iterator[Record]:
        """All records that were handed over, in the order of their arrival."""
        return self._registry.iterate()

    def close(self) -> None:
        """Let go of files and connections. It may be used again afterwards."""
        self._registry.close()

    def _keep(self, record: Record) -> bool:
        # Named so that the names sort by time, and one picture has one file.
        name = sha256(record.manifest_id.encode()).hexdigest()[:32]
        path = self._folder / f"{record.created_at.astimezone(UTC):%Y%m%dT%H%M%S%f}-{name}.json"
        try:
            if path.exists():
                return False
            make_private_folder(self._folder)
            write_atomically(path, _text(record), mode=0o600)
        except (OSError, OutputError) as error:
            raise RegistryUnavailable(
                f"the registry cannot be reached, and the record cannot be queued in "
                f"{self._folder} ({error}); bring back one of them"
            ) from error
        return True

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []


def _text(record: Record) -> bytes:
    facts: dict[str, Any] = asdict(record)
    kept = record.fingerprint
    facts["manifest"] = base64.b64encode(record.manifest).decode()
    facts["created_at"] = record.created_at.isoformat()
    facts["fingerprint"] = base64.b64encode(kept.to_bytes()).decode() if kept else None
    return json.dumps(facts).encode()


def _record(text: bytes) -> Record:
    facts = json.loads(text)
    kept = facts["fingerprint"]
    facts["manifest"] = base64.b64decode(facts["manifest"], validate=True)
    facts["created_at"] = datetime.fromisoformat(facts["created_at"])
    facts["fingerprint"] = Fingerprint.from_bytes(base64.b64decode(kept)) if kept else None
    return Record(**facts)
