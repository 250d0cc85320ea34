"""Asks the moderator about a picture, and does what it says: nothing passes but through here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from provenance._stopwatch import Stopwatch
from provenance.errors import Blocked, HeldForReview
from provenance.moderate.interface import Action, Decision, Finding
from provenance.moderate.moderator import Moderator
from provenance.moderate.review import Held, ReviewQueue
from provenance.picture import Picture
from provenance.sign.interface import Edit, Ingredient

Taken: TypeAlias = tuple[Picture, Ingredient | None]
"""A picture, and the file that it is a later version of, if that has credentials."""

_BLURRED = Edit(
    "c2pa.edited", source_type=None, description="made unrecognisable by the content policy"
)


@dataclass(frozen=True, slots=True)
class Passed:
    """A picture that may go on.

    Attributes:
        picture: its pixels, blurred or replaced where the policy wants it.
        parent: the file whose history it carries on, or None.
        decision: what moderation saw and decided.
        edits: what the policy did to it, for the manifest.
        replaced: a placeholder, which no model generated.
    """

    picture: Picture
    parent: Ingredient | None
    decision: Decision
    edits: tuple[Edit, ...] = ()
    replaced: bool = False


class Gate:
    """Lets pictures through that the policy allows.

    Args:
        moderator: judges them.
        queue: keeps pictures that a person has to look at; without one they are blocked.
    """

    def __init__(self, moderator: Moderator, queue: ReviewQueue | None = None) -> None:
        self._moderator = moderator
        self._queue = queue

    def admit(
        self,
        take: Callable[[], Taken],
        before: Sequence[Finding] = (),
        prompt: str | None = None,
        again: Callable[[], Taken] | None = None,
        watch: Stopwatch | None = None,
    ) -> Passed:
        """The picture, once the policy is content with it.

        Args:
            take: gives the picture.
            before: findings on its prompt.
            prompt: kept with a picture that has to wait.
            again: generates another one in its place; None if that cannot be done.
            watch: takes the time.

        Raises:
            Blocked: the policy refused it, or would have it generated again in vain.
            HeldForReview: it waits for a person.
            ModerationFailed: a check could not run.
        """
        watch = watch or Stopwatch()
        with watch("decode"):
            picture, parent = take()
        notes: list[str] = []
        for attempt in range(self._moderator.policy.attempts + 1):
            with watch("moderate"):
                decision = self._moderator.check_picture(picture, before)
            if decision.action is not Action.REGENERATE:
                break
            if again is None or attempt == self._moderator.policy.attempts:
                raise _refused(decision)
            named = ", ".join(sorted({cause.category for cause in decision.causes()}))
            notes.append(f"attempt {attempt + 1} was discarded for {named}")
            with watch("generate again"):
                picture, parent = again()
        decision = replace(decision, notes=(*decision.notes, *notes))
        if decision.action is Action.REVIEW:
            raise self._held(picture, parent, decision, prompt)
        if decision.action in (Action.BLUR, Action.REPLACE):
            with watch("redact"):
                return self._redacted(picture, parent, decision)
        return Passed(picture, parent, decision)

    def _redacted(self, picture: Picture, parent: Ingredient | None, decision: Decision) -> Passed:
        """Without history: its thumbnails would show what was made unrecognisable."""
        shown = self._moderator.redacted(picture, decision)
        named = ", ".join(sorted({cause.category for cause in decision.causes()}))
        did = "replaced" if decision.action is Action.REPLACE else "blurred"
        notes = [f"{did} by policy '{self._moderator.policy.name}' for {named}"]
        if parent is not None:
            notes.append("the credentials of the input were left out: they hold previews")
        decided = replace(decision, notes=(*decision.notes, *notes))
        if decision.action is Action.REPLACE:
            return Passed(shown, None, decided, replaced=True)
        return Passed(shown, None, decided, (_BLURRED,))

    def _held(
        self,
        picture: Picture,
        parent: Ingredient | None,
        decision: Decision,
        prompt: str | None,
    ) -> Blocked | HeldForReview:
        if self._queue is None:
            return _refused(decision)
        kept = (parent.data, parent.media_type) if parent else None
        ticket = self._queue.hold(Held(picture, decision, prompt, kept))
        return HeldForReview(ticket, decision.causes()[0].category, decision.policy)


def _refused(decision: Decision) -> Blocked:
    cause = decision.causes()[0]
    return Blocked(cause.category, cause.score, cause.threshold, decision.policy, cause.stage)
