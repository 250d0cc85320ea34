"""What policies would do with a picture: a dry run. Nothing is changed, recorded or kept."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from provenance.errors import Blocked, ProvenanceError
from provenance.moderate.describe import blocking
from provenance.moderate.interface import FLOOR, Action, Finding
from provenance.moderate.moderator import Moderator
from provenance.picture import Picture

_THUMBNAIL = 240
"""Pixels along the longer side."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy would do.

    Attributes:
        action: or None if the picture could not be judged, and so would not be let out.
        findings: what was scored; where the policy blocks, the one that blocks alone.
        problem: why it could not be judged, or empty.
    """

    action: Action | None
    findings: tuple[Finding, ...] = ()
    problem: str = ""

    @property
    def word(self) -> str:
        """The action, or `not judged`."""
        return self.action.value if self.action else NOT_JUDGED

    @property
    def causes(self) -> tuple[str, ...]:
        """The categories that led to an action other than allowing."""
        if self.action in (None, Action.ALLOW):
            return ()
        return tuple(sorted({f.category for f in self.findings if f.action is self.action}))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, for operators."""
        return {
            "action": self.action.value if self.action else None,
            "categories": list(self.causes),
            "findings": [finding.to_dict() for finding in self.findings],
            "problem": self.problem,
        }


NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Preview:
    """What policies would do with one file.

    Attributes:
        path: of the file.
        outcomes: one for each policy, in their order.
        thumbnail: a small JPEG; empty if there are no pixels, or if no policy could allow them.
    """

    path: Path
    outcomes: tuple[Outcome, ...]
    thumbnail: bytes = field(default=b"", repr=False)

    @property
    def changes(self) -> bool:
        """True if the policies differ in what they do."""
        return len({outcome.action for outcome in self.outcomes}) > 1

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, for operators; without the thumbnail."""
        record = {"input": str(self.path), **self.outcomes[0].to_dict()}
        if len(self.outcomes) > 1:
            record["against"] = self.outcomes[-1].to_dict()
        return record


def preview(path: Path, moderators: Sequence[Moderator]) -> Preview:
    """What the moderators' policies would do with a file; one that cannot be read is a result."""
    try:
        picture = Picture.open(path)
    except ProvenanceError as error:
        return Preview(path, (Outcome(None, problem=str(error)),) * len(moderators))
    outcomes = tuple(_outcome(moderator, picture) for moderator in moderators)
    shown = not any(category in FLOOR for each in outcomes for category in each.causes)
    return Preview(path, outcomes, _thumbnail(picture) if shown else b"")


def _outcome(moderator: Moderator, picture: Picture) -> Outcome:
    try:
        decision = moderator.check_picture(picture)
    except Blocked as error:
        return Outcome(Action.BLOCK, (blocking(error),))
    except ProvenanceError as error:
        return Outcome(None, problem=str(error))
    return Outcome(decision.action, decision.findings)


def _thumbnail(picture: Picture) -> bytes:
    """Pixels under transparency show, since they were judged as well."""
    image = Image.fromarray(picture.pixels)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Summary:
    """How many pictures met with what.

    Attributes:
        actions: by action, the hardest first, then `not judged`; those that never occur left out.
        categories: for each of these, how often a category led to it.
        changes: how often one policy's action became another's, by both actions.
    """

    actions: dict[str, int]
    categories: dict[str, dict[str, int]]
    changes: dict[tuple[str, str], int]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "actions": self.actions,
            "categories": self.categories,
            "changes": [
                {"from": old, "to": new, "pictures": n} for (old, new), n in self.changes.items()
            ],
        }


WORDS = (*(action.value for action in reversed(Action)), NOT_JUDGED)
"""What can happen, the hardest first."""


def summary(previews: Sequence[Preview]) -> Summary:
    """Count what the first policy does, and what changes from the last one to it."""
    firsts = [each.outcomes[0] for each in previews]
    met = Counter(outcome.word for outcome in firsts)
    actions = {word: met[word] for word in WORDS if met[word]}
    categories = {
        word: dict(sorted(Counter(c for o in firsts if o.word == word for c in o.causes).items()))
        for word in actions
    }
    changes = Counter(
        (each.outcomes[-1].word, each.outcomes[0].word) for each in previews if each.changes
    )
    return Summary(actions, categories, dict(sorted(changes.items())))
