"""What the log tells: what was issued, and what was blocked. Never a prompt or a picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from provenance.errors import Blocked, HeldForReview, ModerationFailed
from provenance.registry.interface import Record


@dataclass(frozen=True, slots=True)
class Issued:
    """A picture left the pipeline.

    Attributes:
        manifest_id: label of its manifest.
        sha256: of the finished file, in hexadecimal.
        key_id: SHA-256 of the signing certificate, in hexadecimal.
        policy: name and digest of the moderation policy.
        action: what that policy decided.
        watermark_algorithm: name of the scheme, or None.
        payload: of the mark, in hexadecimal, or None.
        manifest_sha256: of the manifest store, which the registry keeps.
    """

    manifest_id: str
    sha256: str
    key_id: str
    policy: str
    action: str
    watermark_algorithm: str | None = None
    payload: str | None = None
    manifest_sha256: str | None = None

    @classmethod
    def of(cls, record: Record) -> Issued:
        """What the log says of a record."""
        return cls(
            manifest_id=record.manifest_id,
            sha256=record.sha256,
            key_id=record.key_id,
            policy=record.policy,
            action=record.action,
            watermark_algorithm=record.watermark_algorithm,
            payload=record.payload,
            manifest_sha256=hashlib.sha256(record.manifest).hexdigest(),
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A prompt or picture was blocked, or a picture was held for review.

    Attributes:
        category: what was seen, or `check-failed` when moderation itself could not run.
        stage: `prompt` or `picture`; empty when unknown.
        policy: name and digest of the moderation policy; empty when unknown.
        ticket: under which the picture waits for a person; None if it was blocked.
    """

    category: str
    stage: str
    policy: str
    ticket: str | None = None

    @classmethod
    def of(cls, error: Blocked | HeldForReview | ModerationFailed) -> Refused:
        """What the log says of a refusal."""
        if isinstance(error, HeldForReview):
            return cls(error.category, "picture", error.policy, error.ticket)
        if isinstance(error, Blocked):
            return cls(error.category, error.stage, error.policy)
        return cls("check-failed", "", "")


Event = Issued | Refused

_KINDS: Mapping[str, type[Issued] | type[Refused]] = {"issued": Issued, "refused": Refused}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        index: its place, from 0.
        time: when it was written, in UTC.
        event: what happened.
        previous: leaf hash of the entry before, in hexadecimal; 64 zeros for the first.
    """

    index: int
    time: datetime
    event: Event
    previous: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; parts that are None are left out."""
        kind = next(name for name, made in _KINDS.items() if isinstance(self.event, made))
        facts = {name: value for name, value in asdict(self.event).items() if value is not None}
        return {
            "index": self.index,
            "time": self.time.astimezone(UTC).isoformat(timespec="microseconds"),
            "kind": kind,
            **facts,
            "previous": self.previous,
        }

    def to_line(self) -> bytes:
        """One line of JSON in ASCII, without the line break; always the same for one entry."""
        return json.dumps(self.to_dict(), separators=(",", ":")).encode("ascii")

    @classmethod
    def from_line(cls, line: bytes) -> Entry:
        """The inverse of `to_line`.

        Raises:
            ValueError: this program did not write it.
        """
        try:
            data = json.loads(line)
            event = _KINDS[data.pop("kind")]
            index, time, previous = (data.pop(name) for name in ("index", "time", "previous"))
            entry = cls(index, datetime.fromisoformat(time), event(**data), previous)
            same = entry.to_line() == line
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError("not an entry of the log") from error
        if not same:
            raise ValueError("an entry of the log in another form than ours")
        return entry
