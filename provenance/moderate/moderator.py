"""Runs the classifiers and asks the policy. Anything that goes wrong blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from provenance._stopwatch import Stopwatch
from provenance.errors import Blocked, ModerationFailed, ProvenanceError
from provenance.moderate._within import within
from provenance.moderate.interface import (
    CATEGORIES,
    FLOOR,
    Action,
    Decision,
    Finding,
    Locator,
    PictureClassifier,
    Policy,
    PromptClassifier,
    Region,
    Stage,
)
from provenance.moderate.policy import check, judge, shift_of
from provenance.moderate.redact import blurred, placeholder
from provenance.picture import Picture

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Moderator:
    """Checks prompts before generating and pictures after.

    Args:
        policy: what is done at which score.
        pictures: classifiers of pictures, cheapest first.
        prompts: classifiers of prompts, cheapest first.
        missing: classifiers that the policy does without, with the reasons; each decision says so.

    Raises:
        ConfigError: the policy cannot be obeyed.
    """

    def __init__(
        self,
        policy: Policy,
        pictures: Sequence[PictureClassifier] = (),
        prompts: Sequence[PromptClassifier] = (),
        missing: Mapping[str, str] | None = None,
    ) -> None:
        self.policy = check(policy)
        self._pictures = tuple(pictures)
        self._prompts = tuple(prompts)
        self._missing = tuple(f"{name} did not run: {why}" for name, why in (missing or {}).items())

    @property
    def checks_prompts(self) -> bool:
        """True if there is a classifier of prompts."""
        return bool(self._prompts)

    @property
    def checked(self) -> tuple[str, ...]:
        """The categories that are looked for in pictures."""
        asked = (c for c in self._pictures if self._hardest(c) is not Action.ALLOW)
        return tuple(sorted({category for each in asked for category in each.categories}))

    def idle(self) -> tuple[str, ...]:
        """Categories with a rule for pictures that no classifier of pictures scores."""
        ruled = {category for category, rule in self.policy.rules.items() if rule.picture}
        return tuple(sorted(ruled - {c for each in self._pictures for c in each.categories}))

    def check_prompt(self, prompt: str) -> tuple[Finding, ...]:
        """Judge a prompt before anything is generated from it.

        Raises:
            Blocked: a category reached its threshold.
            ModerationFailed: a classifier failed.
        """
        found: list[Finding] = []
        for classifier in self._prompts:
            found += self._judged(classifier, partial(classifier.scores, prompt), "prompt", ())
        return tuple(found)

    def check_picture(self, picture: Picture, before: Sequence[Finding] = ()) -> Decision:
        """Judge a picture; `before` are the findings on its prompt, which move the thresholds.

        A classifier is asked only while it could still change the outcome.

        Raises:
            Blocked: a category reached its threshold.
            ModerationFailed: a classifier failed.
        """
        watch = Stopwatch()
        findings = list(before)
        hardest = Action.ALLOW
        for classifier in self._pictures:
            if self._hardest(classifier).rank <= hardest.rank:
                continue
            with watch(classifier.name):
                ask = partial(classifier.scores, picture)
                judged = self._judged(classifier, ask, "picture", before)
            findings += judged
            hardest = max(hardest, *(f.action for f in judged), key=_rank)
        seen = {f.category for f in findings if f.stage == "picture"}
        return Decision(
            action=max(hardest, *(f.action for f in before), Action.ALLOW, key=_rank),
            findings=tuple(findings),
            not_checked=tuple(c for c in CATEGORIES if c not in seen),
            policy=str(self.policy),
            timings=dict(watch.seconds),
            notes=self._missing
            + tuple(
                f"{each.name} was not asked: nothing it scores could change the outcome"
                for each in self._pictures
                if each.name not in watch.seconds
            ),
        )

    def redacted(self, picture: Picture, decision: Decision) -> Picture:
        """What may be shown of a picture whose decision is to blur or to replace it.

        Raises:
            ModerationFailed: a classifier that locates what it found failed.
        """
        if decision.action is Action.REPLACE:
            return placeholder(picture)
        regions: list[Region] = []
        for cause in decision.causes():
            found = self._regions(picture, cause) if cause.stage == "picture" else ()
            if not found:
                return blurred(picture)
            regions += found
        return blurred(picture, regions)

    def _regions(self, picture: Picture, cause: Finding) -> Sequence[Region]:
        named = next((c for c in self._pictures if c.name == cause.classifier), None)
        if not isinstance(named, Locator):
            return ()
        return self._guarded(named.name, partial(named.regions, picture, cause.category), "picture")

    def _hardest(self, classifier: PictureClassifier) -> Action:
        """What a classifier could lead to at most."""
        possible = [
            action
            for category in classifier.categories
            if category in self.policy.rules
            for action in self.policy.rules[category].picture
        ]
        if any(category in FLOOR for category in classifier.categories):
            return Action.BLOCK
        return max(possible, key=_rank, default=Action.ALLOW)

    def _judged(
        self,
        classifier: PictureClassifier | PromptClassifier,
        ask: Callable[[], Mapping[str, float]],
        stage: Stage,
        before: Sequence[Finding],
    ) -> list[Finding]:
        """Ask one classifier, and stop at the first category that blocks."""
        answer = self._guarded(classifier.name, lambda: _numbers(ask()), stage)
        missing = set(classifier.categories) - set(answer)
        if missing:
            raise ModerationFailed(
                f"{classifier.name} gave no score for {', '.join(sorted(missing))}; "
                f"the {stage} is held back"
            )
        findings = [
            judge(
                self.policy,
                category,
                score,
                classifier.name,
                stage,
                shift_of(self.policy, category, before),
            )
            for category, score in answer.items()
        ]
        for finding in sorted(findings, key=lambda f: f.category not in FLOOR):
            if finding.action is Action.BLOCK:
                raise Blocked(
                    finding.category, finding.score, finding.threshold, str(self.policy), stage
                )
        return findings

    def _guarded(self, name: str, ask: Callable[[], T], stage: Stage) -> T:
        """What a classifier says, in time. What went wrong goes to the log, not to the user.

        Raises:
            ModerationFailed: anything but an answer.
        """
        try:
            return within(self.policy.timeout_s, ask)
        except ProvenanceError:
            raise
        except Exception as error:  # a classifier may fail in any way, and each way blocks
            _log.error("%s failed on a %s", name, stage, exc_info=error)
            raise ModerationFailed(
                f"{name} failed with {type(error).__name__}; the {stage} is held back"
            ) from error


def _rank(action: Action) -> int:
    return action.rank


def _numbers(scores: Mapping[str, float]) -> dict[str, float]:
    return {category: float(score) for category, score in scores.items()}
