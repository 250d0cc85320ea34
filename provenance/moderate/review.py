"""Pictures that wait for a person: a folder that only its owner can read.

One folder for each ticket holds the picture without loss, the input's file where it had
credentials, and what moderation saw. Nothing in it is marked or signed; nothing leaves it but
through `Pipeline.release`.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from provenance.codec.limits import Limits
from provenance.errors import ConfigError, InputError, OutputError
from provenance.files import make_private_folder, write_atomically
from provenance.moderate.interface import Action, Decision, Finding
from provenance.picture import Encoding, Picture

_TICKET = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}")
_PICTURE, _PARENT, _FACTS = "picture.png", "parent.bin", "held.json"
_PRIVATE = 0o600
_ANY_SIZE = Limits(max_bytes=1 << 40, max_pixels=1 << 40, max_side=1 << 31)
"""What was let into the queue was within the limits of its pipeline, which are not known here."""


@dataclass(frozen=True, slots=True)
class Held:
    """A picture that waits.

    Attributes:
        picture: its pixels.
        decision: what moderation saw, whose action is `review`.
        prompt: what it was generated from, or None.
        parent: the file it was made from, if that carried credentials, with its media type.
        ticket: names it in the queue; empty before it is in one.
        since: when it was put there, in ISO 8601; likewise.
    """

    picture: Picture
    decision: Decision
    prompt: str | None = None
    parent: tuple[bytes, str] | None = None
    ticket: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is known of a picture that waits: `Held` without the picture."""

    ticket: str
    since: str
    prompt: str | None
    decision: Decision

    @property
    def categories(self) -> tuple[str, ...]:
        """For which it waits."""
        return tuple(sorted({cause.category for cause in self.decision.causes()}))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, for the reviewer: with the prompt and the scores."""
        return {
            "ticket": self.ticket,
            "since": self.since,
            "prompt": self.prompt,
            "moderation": self.decision.to_dict(),
        }


class ReviewQueue(Protocol):
    """Keeps pictures until a person has decided."""

    def hold(self, held: Held) -> str:
        """Keep a picture and return its ticket; it is on the disk when this returns.

        Raises:
            OutputError: it could not be kept.
        """
        ...

    def get(self, ticket: str) -> Held:
        """What waits under a ticket.

        Raises:
            ConfigError: nothing does.
        """
        ...

    def remove(self, ticket: str) -> None:
        """Forget a ticket and all that is kept under it.

        Raises:
            ConfigError: there is no such ticket.
        """
        ...


class FolderQueue:
    """A `ReviewQueue` in a folder. Safe with many processes: each ticket is a folder of its own.

    Args:
        folder: made when it is needed, readable by its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hold(self, held: Held) -> str:
        """Keep a picture and return its ticket.

        Raises:
            OutputError: it could not be kept.
        """
        ticket = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"
        place = self.folder / ticket
        since = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            make_private_folder(self.folder)
            make_private_folder(place)
            write_atomically(place / _PICTURE, _png(held.picture), mode=_PRIVATE)
            if held.parent is not None:
                write_atomically(place / _PARENT, held.parent[0], mode=_PRIVATE)
            # Last: a ticket without its facts does not count.
            facts = json.dumps(_facts(held, since), indent=1)
            write_atomically(place / _FACTS, facts.encode(), mode=_PRIVATE)
        except (OSError, OutputError) as error:
            shutil.rmtree(place, ignore_errors=True)
            raise OutputError(
                f"the picture could not be put into the queue {self.folder} ({error}); make room "
                "there, or choose another folder under [moderation] review"
            ) from error
        return ticket

    def tickets(self) -> tuple[str, ...]:
        """All that wait, oldest first."""
        if not self.folder.is_dir():
            return ()
        names = (p.parent.name for p in self.folder.glob(f"*/{_FACTS}"))
        return tuple(sorted(name for name in names if _TICKET.fullmatch(name)))

    def get(self, ticket: str) -> Held:
        """What waits under a ticket.

        Raises:
            ConfigError: nothing does, or it is damaged.
        """
        place = self._place(ticket)
        with _undamaged(ticket):
            facts = json.loads((place / _FACTS).read_bytes())
            waiting = _waiting(ticket, facts)
            parent = None
            if facts["parent_type"]:
                parent = ((place / _PARENT).read_bytes(), str(facts["parent_type"]))
            picture = Picture.open((place / _PICTURE).read_bytes(), limits=_ANY_SIZE)
            return Held(
                replace(picture, encoding=Encoding(**facts["encoding"])),
                waiting.decision,
                waiting.prompt,
                parent,
                ticket,
                waiting.since,
            )

    def about(self, ticket: str) -> Waiting:
        """What is known of a ticket, without its picture.

        Raises:
            ConfigError: there is no such ticket, or it is damaged.
        """
        place = self._place(ticket)
        with _undamaged(ticket):
            return _waiting(ticket, json.loads((place / _FACTS).read_bytes()))

    def remove(self, ticket: str) -> None:
        """Forget a ticket and all that is kept under it.

        Raises:
            ConfigError: there is no such ticket.
            OutputError: it could not be deleted.
        """
        place = self._place(ticket)
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise OutputError(f"{place} cannot be deleted ({error.strerror})") from error

    def _place(self, ticket: str) -> Path:
        place = self.folder / ticket
        if not _TICKET.fullmatch(ticket) or not place.is_dir():
            raise ConfigError(
                f"no picture waits under ticket {ticket[:60]!r} in {self.folder}; "
                "provenance review list shows those that do"
            )
        return place


def approved(held: Held, reviewer: str) -> Decision:
    """The decision after a person has allowed the picture; it says who."""
    note = f"held for review since {held.since}, approved by {reviewer}"
    return replace(held.decision, notes=(*held.decision.notes, note))


def _png(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.to_pil().save(out, "PNG", compress_level=1)
    return out.getvalue()


def _facts(held: Held, since: str) -> dict[str, Any]:
    return {
        "since": since,
        "prompt": held.prompt,
        "parent_type": held.parent[1] if held.parent else "",
        "encoding": asdict(held.picture.encoding),
        "decision": {
            "findings": [asdict(f) for f in held.decision.findings],
            "not_checked": held.decision.not_checked,
            "policy": held.decision.policy,
            "notes": held.decision.notes,
        },
    }


@contextmanager
def _undamaged(ticket: str) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        InputError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ConfigError(
            f"ticket {ticket} is damaged ({type(error).__name__}); reject it, and generate "
            "the picture again"
        ) from error


def _waiting(ticket: str, facts: Mapping[str, Any]) -> Waiting:
    prompt = facts["prompt"]
    if not isinstance(prompt, str | None):
        raise TypeError("the prompt is no text")
    return Waiting(ticket, str(facts["since"]), prompt, _decision(facts["decision"]))


def _decision(facts: Mapping[str, Any]) -> Decision:
    findings = tuple(Finding(**{**f, "action": Action(f["action"])}) for f in facts["findings"])
    return Decision(
        Action.REVIEW,
        findings,
        tuple(facts["not_checked"]),
        str(facts["policy"]),
        notes=tuple(facts["notes"]),
    )
