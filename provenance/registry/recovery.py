"""Finds the manifest of a picture that lost it: by its watermark, or failing that by its looks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from provenance.errors import RegistryUnavailable
from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.registry.bars import without_bars
from provenance.registry.fingerprint import probes
from provenance.registry.guard import Comparison, Resemblance, compare
from provenance.registry.interface import Match, Record, Registry
from provenance.registry.stored import State, Stored, judge
from provenance.verify.interface import Subject
from provenance.watermark.interface import Reading, Watermarker

_ORDER = (Resemblance.SAME, Resemblance.EDITED, Resemblance.UNCLEAR, Resemblance.OTHER)

_LOOKS = {
    Resemblance.SAME: "The picture looks like the one that was recorded.",
    Resemblance.EDITED: "The picture looks like an altered copy of the one that was recorded.",
    Resemblance.UNCLEAR: "Whether it shows what was recorded cannot be told: it may be a small "
    "part, or heavily edited, or the mark was moved here from another picture.",
}

_UNBOUND = "Its signature is good, but does not cover these pixels."

_SIGNERS = {
    State.TRUSTED: "signed by {who}, whom you trust",
    State.UNTRUSTED: "signed by {who}, who is not on your trust list or whose certificate expired",
}

_CANDIDATES = 3


class RecoveryCheck:
    """Looks in a registry for the manifest that a picture was issued with.

    Args:
        registry: where manifests are kept.
        watermarkers: read the mark, one for each key. Give those of the watermark's own check,
            wrapped in `Remembering`, so that a mark is read once.
        anchors: PEM bundles of the signers that you trust.
    """

    name = "recovery"

    def __init__(
        self,
        registry: Registry,
        watermarkers: Sequence[Watermarker] = (),
        anchors: Sequence[str] = (),
    ) -> None:
        self._registry = registry
        self._watermarkers = tuple(watermarkers)
        self._anchors = tuple(anchors)

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """One piece of evidence: found and how, moved from another picture, or nothing."""
        picture = subject.picture
        if not isinstance(picture, Picture):
            return (_unchecked("no-pixels", f"The registry was not searched: {picture}.", ""),)
        try:
            return (self._by_mark(picture, subject.data) or self._by_looks(picture) or _NONE,)
        except RegistryUnavailable as error:
            return (
                _unchecked(
                    "unavailable",
                    f"The registry was not searched: {error}.",
                    "Run provenance doctor.",
                ),
            )

    def _by_mark(self, picture: Picture, data: bytes) -> Evidence | None:
        found = self._mark(picture)
        if found is None:
            return None
        algorithm, payload, reading = found
        records = self._registry.by_payload(algorithm, payload)
        if not records:
            return None
        compared = [
            (
                compare(
                    picture,
                    record.fingerprint,
                    recorded_tiles=record.tiles,
                    reading=reading.details,
                ),
                record,
            )
            for record in records
        ]
        comparison, record = min(compared, key=lambda pair: _ORDER.index(pair[0].resemblance))
        stored = judge(record, self._anchors)
        details = {"payload": payload, **_details(record, stored, comparison)}
        if stored.state is State.DAMAGED:
            return _damaged(details)
        if record.sha256 == hashlib.sha256(data).hexdigest():
            return _issued(record, details)
        if comparison.resemblance is Resemblance.OTHER:
            return _transplanted(details)
        return _by_watermark(stored, comparison, reading.false_positive_rate, details)

    def _mark(self, picture: Picture) -> tuple[str, str, Reading] | None:
        """Algorithm, payload and reading under the first key that finds a mark."""
        for watermarker in self._watermarkers:
            reading = watermarker.extract(picture)
            if reading.payload is not None:
                return watermarker.algorithm, reading.payload.hex, reading
        return None

    def _alike(self, picture: Picture) -> tuple[Match, ...]:
        offered = probes(picture)
        return self._registry.by_fingerprint(offered, _CANDIDATES) if offered else ()

    def _by_looks(self, picture: Picture) -> Evidence | None:
        found = self._alike(picture)
        if not found:
            inner = without_bars(picture)
            found = () if inner is picture else self._alike(inner)
        for match in found:
            stored = judge(match.record, self._anchors)
            if stored.state is State.DAMAGED:
                continue
            details = {
                "distance": match.distance,
                "candidates": [
                    {"manifest_id": m.record.manifest_id, "distance": m.distance} for m in found
                ],
                **_details(match.record, stored),
            }
            return _by_fingerprint(stored, details)
        return _damaged(_details(found[0].record, judge(found[0].record, ()))) if found else None


def _details(
    record: Record, stored: Stored, comparison: Comparison | None = None
) -> dict[str, Any]:
    details: dict[str, Any] = {
        **stored.facts,
        "manifest_id": record.manifest_id,
        "signature": stored.state.value,
        "failures": list(stored.failures),
        "issued_at": record.created_at.isoformat(),
        "sha256": record.sha256,
        "key_id": record.key_id,
    }
    if comparison is not None:
        details["distance"] = comparison.distance
        details["resemblance"] = comparison.resemblance.value
        details["share"] = None if comparison.share is None else round(comparison.share, 3)
    return details


def _issued(record: Record, details: Mapping[str, Any]) -> Evidence:
    return Evidence(
        "recovery",
        "recovery.issued",
        Status.VERIFIED,
        f"Your registry holds this very file, issued on {record.created_at:%Y-%m-%d %H:%M} UTC.",
        origin=Origin.UNKNOWN,
        details=details,
    )


def _by_watermark(
    stored: Stored, comparison: Comparison, rate: float, details: Mapping[str, Any]
) -> Evidence:
    """Verified only if mark, signature and looks agree."""
    likely = comparison.resemblance in (Resemblance.SAME, Resemblance.EDITED)
    holds = likely and stored.state is State.TRUSTED
    return Evidence(
        "recovery",
        "recovery.found-by-watermark",
        Status.VERIFIED if holds else Status.CLAIMED,
        f"The watermark leads to credentials in your registry, {_signed(stored)}. {_UNBOUND} "
        f"{_LOOKS[comparison.resemblance]}",
        "" if likely else "Compare it with the original by eye.",
        origin=stored.origin,
        false_positive_rate=rate,
        details=details,
    )


def _by_fingerprint(stored: Stored, details: Mapping[str, Any]) -> Evidence:
    return Evidence(
        "recovery",
        "recovery.found-by-fingerprint",
        Status.CLAIMED,
        f"The picture looks like one in your registry whose credentials are {_signed(stored)}. "
        f"{_UNBOUND} Looks prove nothing: another picture of the same scene, or from the same "
        "prompt, can come as near.",
        "Compare it with the original by eye.",
        origin=stored.origin,
        details=details,
    )


def _transplanted(details: Mapping[str, Any]) -> Evidence:
    return Evidence(
        "recovery",
        "recovery.transplanted",
        Status.FAILED,
        "The pixels carry the watermark of another picture: this one is as large as what was "
        "recorded under the mark, and does not look like it. The mark was moved here, or hardly "
        "anything of that picture is left.",
        "Do not attribute it; compare it with the original by eye.",
        details=details,
    )


def _damaged(details: Mapping[str, Any]) -> Evidence:
    return _unchecked(
        "record-damaged",
        "The registry has a record for this picture, but the manifest in it is damaged, or not "
        "the one that was issued.",
        "Restore the registry from your backup, and run provenance log verify.",
        details,
    )


def _signed(stored: Stored) -> str:
    who = stored.facts.get("signer") or "an unnamed signer"
    return _SIGNERS[stored.state].format(who=who)


def _unchecked(
    code: str, explanation: str, advice: str, details: Mapping[str, Any] | None = None
) -> Evidence:
    return Evidence(
        "recovery",
        f"recovery.{code}",
        Status.UNCHECKED,
        explanation,
        advice,
        details=details or {},
    )


_NONE = Evidence(
    "recovery",
    "recovery.none",
    Status.ABSENT,
    "Your registry has no record of this picture. Most pictures were never issued by you, so this "
    "says nothing about where it comes from.",
    origin=Origin.UNKNOWN,
)
