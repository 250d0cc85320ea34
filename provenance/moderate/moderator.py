"""Runs the classifiers and asks the policy. Anything that goes wrong blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from provenance.errors import Blocked, ConfigError, ModerationFailed, ProvenanceError
from provenance.moderate.interface import (
    CATEGORIES,
    Action,
    Decision,
    Finding,
    PictureClassifier,
    Policy,
    PromptClassifier,
)
from provenance.moderate.policy import check, judge
from provenance.picture import Picture

_ORDER = tuple(Action)


class Moderator:
    """Checks prompts before generating and pictures after.

    Args:
        policy: thresholds by category.
        pictures: classifiers of pictures, cheapest first.
        prompts: classifiers of prompts, cheapest first.

    Raises:
        ConfigError: the policy cannot be obeyed.
    """

    def __init__(
        self,
        policy: Policy,
        pictures: Sequence[PictureClassifier] = (),
        prompts: Sequence[PromptClassifier] = (),
    ) -> None:
        self.policy = check(policy)
        self._pictures = tuple(pictures)
        self._prompts = tuple(prompts)

    @property
    def checks_prompts(self) -> bool:
        """True if there is a classifier of prompts."""
        return bool(self._prompts)

    def unlimited(self) -> tuple[str, ...]:
        """Categories that are scored and never blocked, since the policy has no threshold."""
        return tuple(sorted(self._scored() - set(self.policy.thresholds)))

    def idle(self) -> tuple[str, ...]:
        """Categories that the policy has thresholds for, and that no classifier scores."""
        return tuple(sorted(set(self.policy.thresholds) - self._scored()))

    def _scored(self) -> set[str]:
        pictures = {c for each in self._pictures for c in each.categories}
        return pictures | {c for each in self._prompts for c in each.categories}

    @classmethod
    def standard(cls, policy: Policy | None = None) -> Moderator:
        """The embedded default: nudity in pictures; every other category is *not checked*.

        Raises:
            ConfigError: the policy has thresholds for what nobody checks.
        """
        from provenance.moderate import policy as policies
        from provenance.moderate.nudity import NudityClassifier

        made = cls(policy or policies.standard(), pictures=(NudityClassifier(),))
        if made.idle():
            raise ConfigError(
                f"policy '{made.policy.name}' has thresholds for {', '.join(made.idle())}, "
                "which no classifier here scores; remove them, since nobody would check them"
            )
        return made

    def check_prompt(self, prompt: str) -> tuple[Finding, ...]:
        """Judge a prompt before anything is generated from it.

        Raises:
            Blocked: a category reached its threshold.
            ModerationFailed: a classifier failed.
        """
        found: list[Finding] = []
        for classifier in self._prompts:
            found += self._judged(classifier, partial(classifier.scores, prompt), "prompt")
        return tuple(found)

    def check_picture(self, picture: Picture, before: Sequence[Finding] = ()) -> Decision:
        """Judge a picture; `before` are the findings on its prompt, which are kept.

        Raises:
            Blocked: a category reached its threshold.
            ModerationFailed: a classifier failed.
        """
        findings = list(before)
        for classifier in self._pictures:
            findings += self._judged(classifier, partial(classifier.scores, picture), "picture")
        seen = {f.category for f in findings if f.stage == "picture"}
        return Decision(
            action=max((f.action for f in findings), key=_ORDER.index, default=Action.ALLOW),
            findings=tuple(findings),
            not_checked=tuple(c for c in CATEGORIES if c not in seen),
            policy=self.policy.name,
        )

    def _judged(
        self,
        classifier: PictureClassifier | PromptClassifier,
        ask: Callable[[], Mapping[str, float]],
        stage: str,
    ) -> list[Finding]:
        """Ask one classifier, and stop at the first category that blocks."""
        try:
            scores = {category: float(score) for category, score in ask().items()}
        except ProvenanceError:
            raise
        except Exception as error:  # a classifier may fail in any way, and each way blocks
            raise ModerationFailed(
                f"{classifier.name} failed with {type(error).__name__}; the {stage} is held back"
            ) from error
        missing = set(classifier.categories) - set(scores)
        if missing:
            raise ModerationFailed(
                f"{classifier.name} gave no score for {', '.join(sorted(missing))}; "
                f"the {stage} is held back"
            )
        findings = [
            judge(self.policy, category, score, classifier.name, stage)
            for category, score in scores.items()
        ]
        for finding in findings:
            if finding.action is Action.BLOCK:
                raise Blocked(
                    finding.category, finding.score, finding.threshold, self.policy.name, stage
                )
        return findings
