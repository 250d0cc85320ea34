"""What is kept of every issued picture (`Record`), and what a registry answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from provenance.registry.fingerprint import MATCH, Fingerprint, Probes


@dataclass(frozen=True, slots=True)
class Record:
    """One issued picture. Holds no pixels and no prompt.

    Attributes:
        manifest_id: label of the active manifest, `urn:c2pa:…`.
        manifest: the whole C2PA manifest store, as signing returned it.
        sha256: of the finished file, in hexadecimal.
        media_type: IANA media type of the finished file.
        width: columns in pixels.
        height: rows in pixels.
        created_at: when it was issued; must name its time zone, and is kept in UTC.
        key_id: SHA-256 of the signing certificate, in hexadecimal.
        policy: name and digest of the moderation policy.
        action: what that policy decided: `allow` or `flag`.
        watermark_algorithm: name of the scheme, or None for a picture without a mark.
        payload: of the mark, in hexadecimal, or None likewise.
        tiles: area of the picture in tiles of its mark (see `provenance.registry.guard.tiles`),
            or None when unknown; tells how much of the picture a copy still shows.
        fingerprint: of the finished pixels, or None when it could not be made.
    """

    manifest_id: str
    manifest: bytes = field(repr=False)
    sha256: str
    media_type: str
    width: int
    height: int
    created_at: datetime
    key_id: str
    policy: str
    action: str
    watermark_algorithm: str | None = None
    payload: str | None = None
    tiles: float | None = None
    fingerprint: Fingerprint | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Hold the promise on the time.

        Raises:
            ValueError: the time names no time zone.
        """
        if self.created_at.tzinfo is None:
            raise ValueError("created_at names no time zone; use datetime.now(UTC)")

    @property
    def digest(self) -> str:
        """SHA-256 of what was issued: two records with one digest tell of the same picture."""
        parts = (
            self.manifest_id.encode(),
            self.manifest,
            self.sha256.encode(),
            (self.watermark_algorithm or "").encode(),
            (self.payload or "").encode(),
        )
        whole = hashlib.sha256()
        for part in parts:
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class Match:
    """A record whose fingerprint is near; nearness is resemblance, not identity.

    Attributes:
        record: what was found.
        distance: bits that differ, of 256.
    """

    record: Record
    distance: int


class Registry(Protocol):
    """Keeps records for ever, and finds them again."""

    def add(self, record: Record) -> bool:
        """Keep a record durably.

        Returns:
            False if the same record was there already.

        Raises:
            RegistryConflict: the id is there with other content.
            RegistryUnavailable: it could not be kept.
        """

    def by_manifest(self, manifest_id: str) -> Record | None:
        """The record of a manifest, or None."""

    def by_payload(self, algorithm: str, payload: str) -> tuple[Record, ...]:
        """Records whose mark carries this payload, oldest first; more than one is possible."""

    def by_fingerprint(
        self,
        probes: Probes,
        limit: int = 10,
        max_distance: int = MATCH,
    ) -> tuple[Match, ...]:
        """Records that look like a picture, nearest first.

        Args:
            probes: see `provenance.registry.fingerprint.probes`.
            limit: at most so many.
            max_distance: bits, of 256; the measured threshold by default.
        """

    def count(self) -> int:
        """Number of records."""

    def iterate(self) -> Iterator[Record]:
        """All records in the order of their arrival."""

    def close(self) -> None:
        """Let go of files and connections. It may be used again afterwards."""
