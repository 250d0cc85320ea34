"""Judges a manifest that was kept apart from its file: the signature can hold, the pixels cannot.

The content hash of such a manifest never matches (a copy that was stripped has other bytes), so
that one failure is expected, and any other is not. Whatever file is examined, c2pa is given a tiny
picture of our own beside the manifest: hostile bytes have no business here.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provenance import _c2pa
from provenance.evidence import Origin
from provenance.registry.fingerprint import ALGORITHM
from provenance.registry.interface import Record
from provenance.verify import store as stores

_BLANK = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""

_EXPECTED = frozenset(
    f"assertion.{kind}.mismatch"
    for kind in ("dataHash", "bmffHash", "boxesHash", "boxHash", "collectionHash")
)
_TRUST = frozenset(("signingCredential.untrusted", "signingCredential.expired"))


class State(StrEnum):
    """How far a stored manifest can be relied upon."""

    TRUSTED = "trusted"
    """Its signature holds, and you trust the signer."""
    UNTRUSTED = "untrusted"
    """Its signature holds; the signer is not on your list, or expired, or not at a sure time."""
    DAMAGED = "damaged"
    """It is not what was signed, or not of this record: the registry was altered."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a stored manifest says, and how far that goes.

    Attributes:
        state: trusted, untrusted or damaged.
        facts: as for credentials in a file; empty when it cannot be read.
        origin: what it says of the picture's origin.
        failures: codes of c2pa beyond the expected one.
    """

    state: State
    facts: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = Origin.UNKNOWN
    failures: tuple[str, ...] = ()


def judge(record: Record, anchors: Sequence[str]) -> Stored:
    """Validate the manifest of a record, and that it belongs to the record.

    Args:
        record: from a registry, which may have been altered.
        anchors: PEM bundles of the signers that you trust.
    """
    c2pa = _c2pa.load()
    try:
        with (
            _c2pa.context(anchors) as context,
            c2pa.Reader("image/png", io.BytesIO(_BLANK), record.manifest, context) as reader,
        ):
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        return Stored(State.DAMAGED, failures=(str(error),))
    results = store.get("validation_results") or {}
    newest = results.get("activeManifest") or {}
    passed, failed = set(_codes(newest.get("success"))), set(_codes(newest.get("failure")))
    for delta in results.get("ingredientDeltas") or ():
        failed |= set(_codes((delta.get("validationDeltas") or {}).get("failure")))
    failures = tuple(sorted(failed - _EXPECTED))
    facts = stores.facts(store)
    if (
        "claimSignature.validated" not in passed
        or not _TRUST.issuperset(failures)
        or not _belongs(facts, record)
    ):
        return Stored(State.DAMAGED, facts, failures=failures)
    # A time-stamp that nobody vouches for can hide that the certificate has expired.
    vouched = stores.time(store) is None or stores.trusted_time(store) is not None
    trusted = "signingCredential.trusted" in passed and not failures and vouched
    state = State.TRUSTED if trusted else State.UNTRUSTED
    return Stored(state, facts, stores.origin(store, trusted=trusted), failures)


def _codes(entries: Any) -> Iterator[str]:
    return (str(entry.get("code")) for entry in entries or () if isinstance(entry, Mapping))


def _belongs(facts: Mapping[str, Any], record: Record) -> bool:
    """True if the signed manifest names the record's id, mark and, if it has one, fingerprint."""
    bound = {binding["algorithm"]: binding["payload"] for binding in facts["soft_bindings"]}
    mark = record.watermark_algorithm
    kept = record.fingerprint.to_bytes().hex() if record.fingerprint else None
    return (
        facts["manifest_id"] == record.manifest_id
        and (mark is None or bound.get(mark) == record.payload)
        and bound.get(ALGORITHM, kept) == kept
    )
