"""`Recorder`: what the pipeline tells the registry and the log, in one place.

A picture counts as issued only when both have it on the disk: the registry first, so that whatever
the log names can be found; then the log. If the second fails, the record of a picture that nobody
ever saw remains, which does no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificates

from provenance.errors import Blocked, HeldForReview, ModerationFailed
from provenance.moderate.interface import Decision
from provenance.picture import Picture
from provenance.registry.entry import Issued, Refused
from provenance.registry.fingerprint import Fingerprint, fingerprint
from provenance.registry.guard import tiles
from provenance.registry.interface import Record, Registry
from provenance.registry.log import Log
from provenance.watermark.interface import Payload


class Recorder:
    """Records what is issued and what is refused.

    Args:
        registry: keeps manifests, or None.
        log: keeps the history, or None.
    """

    def __init__(self, registry: Registry | None = None, log: Log | None = None) -> None:
        self._registry = registry
        self._log = log

    def issued(self, record: Record) -> None:
        """Keep a record; it is on the disk in both places when this returns.

        Raises:
            RegistryUnavailable: it could not be kept; the picture must not be returned.
            RegistryConflict: its manifest id is taken.
        """
        if self._registry is not None:
            self._registry.add(record)
        if self._log is not None:
            self._log.append(Issued.of(record))

    def refused(self, error: Blocked | HeldForReview | ModerationFailed) -> None:
        """Log that something was blocked or held, without prompt and picture.

        Raises:
            RegistryUnavailable: it could not be written.
        """
        if self._log is not None:
            self._log.append(Refused.of(error))


def record_of(
    *,
    data: bytes,
    media_type: str,
    manifest: bytes,
    manifest_id: str,
    pixels: Picture,
    decision: Decision,
    certificates: bytes,
    algorithm: str | None = None,
    payload: Payload | None = None,
    reading: Mapping[str, Any] | None = None,
    kept: Fingerprint | None = None,
) -> Record:
    """The record of a finished picture.

    Args:
        data: the finished file.
        media_type: of the file.
        manifest: the store that signing returned.
        manifest_id: its label.
        pixels: the marked picture.
        decision: of moderation.
        certificates: the signer's chain in PEM, leaf first.
        algorithm: of the mark, or None without one.
        payload: of the mark, likewise.
        reading: details of the mark's reading when the file was read back.
        kept: the fingerprint that the manifest names, if it names one; computed otherwise.
    """
    return Record(
        manifest_id=manifest_id,
        manifest=manifest,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=media_type,
        width=pixels.width,
        height=pixels.height,
        created_at=datetime.now(UTC),
        key_id=key_id(certificates),
        policy=decision.policy,
        action=decision.action.value,
        watermark_algorithm=algorithm if payload else None,
        payload=payload.hex if payload else None,
        tiles=tiles(reading or {}, pixels.width, pixels.height),
        fingerprint=kept or fingerprint(pixels),
    )


def key_id(certificates: bytes) -> str:
    """SHA-256 of the leaf, in hexadecimal: what `openssl x509 -fingerprint -sha256` prints.

    Args:
        certificates: a chain in PEM, leaf first.
    """
    return load_pem_x509_certificates(certificates)[0].fingerprint(hashes.SHA256()).hex()
