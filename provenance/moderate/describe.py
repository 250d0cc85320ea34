"""Says what a policy does, who would do it on this machine, and what it makes of a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from provenance.errors import Blocked, ConfigError
from provenance.moderate import build
from provenance.moderate.interface import (
    CATEGORIES,
    FLOOR,
    Action,
    Finding,
    Policy,
    Rule,
    Stage,
)
from provenance.moderate.moderator import Moderator

_DONE: Mapping[Action, str] = {
    Action.FLAG: "flagged",
    Action.BLUR: "blurred",
    Action.REPLACE: "replaced by a placeholder",
    Action.REGENERATE: "generated again",
    Action.REVIEW: "held for review",
    Action.BLOCK: "blocked",
}
_STAGES: tuple[Stage, ...] = ("prompt", "picture")


@dataclass(frozen=True, slots=True)
class Description:
    """A policy, as it would run here.

    Attributes:
        policy: what is described.
        problem: why it would not run, or empty.
        classifiers: the categories of each classifier that runs, by stage and by its name in the
            policy.
        missing: classifiers whose weights are not here, with what to do about it.
        looked_for: the categories that are looked for, by stage.
    """

    policy: Policy
    problem: str
    classifiers: Mapping[Stage, Mapping[str, tuple[str, ...]]]
    missing: Mapping[str, str]
    looked_for: Mapping[Stage, tuple[str, ...]]

    @property
    def categories(self) -> tuple[str, ...]:
        """The taxonomy, then the policy's own."""
        own = sorted({*self.policy.rules, *self.policy.looks} - set(CATEGORIES))
        return (*CATEGORIES, *own)

    def not_checked(self, stage: Stage) -> tuple[str, ...]:
        """The categories that nobody looks for."""
        return tuple(c for c in self.categories if c not in self.looked_for[stage])

    def says(self, category: str, stage: Stage) -> str:
        """What happens to a category, in words."""
        looked_for = category in self.looked_for[stage]
        if category in FLOOR:
            limit = min(FLOOR[category], self._ladder(category, stage).get(Action.BLOCK, 1.0))
            said = f"blocked from {limit:g}, whatever the policy says; no score is shown"
        else:
            steps = sorted(self._ladder(category, stage).items(), key=lambda step: step[0].rank)
            done = [f"{_DONE[action]} from {threshold:g}" for action, threshold in steps]
            said = ", ".join(done)
        if not looked_for:
            return f"NOT LOOKED FOR; would be {said}" if said else "not looked for"
        return said or "allowed at any score"

    def by(self, category: str, stage: Stage) -> tuple[str, ...]:
        """The classifiers that score a category."""
        running = self.classifiers[stage].items()
        return tuple(name for name, scored in running if category in scored)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        policy = self.policy
        return {
            "policy": policy.name,
            "digest": policy.digest,
            "problem": self.problem,
            "categories": {
                category: {
                    stage: {
                        "actions": self._ladder(category, stage),
                        "looked_for": category in self.looked_for[stage],
                        "by": list(self.by(category, stage)),
                    }
                    for stage in _STAGES
                }
                for category in self.categories
            },
            "floor": dict(FLOOR),
            "missing": dict(self.missing),
            "not_checked": {stage: list(self.not_checked(stage)) for stage in _STAGES},
            "settings": {
                "on_missing": policy.on_missing,
                "risky_prompt": policy.risky_prompt,
                "benign_prompt": policy.benign_prompt,
                "attempts": policy.attempts,
                "timeout_s": policy.timeout_s,
            },
        }

    def _ladder(self, category: str, stage: Stage) -> dict[Action, float]:
        return dict(self.policy.rules.get(category, Rule()).at(stage))


def describe(policy: Policy) -> Description:
    """What a policy does, and who would do it here.

    Raises:
        ConfigError: it names a classifier that is unknown, or cannot be made.
    """
    found = build.classifiers(policy)
    pictures, prompts = tuple(found.pictures.values()), tuple(found.prompts.values())
    problem = ""
    try:
        build.assembled(policy, found)
    except ConfigError as error:
        problem = str(error)
    return Description(
        policy,
        problem,
        {
            "picture": {name: tuple(c.categories) for name, c in found.pictures.items()},
            "prompt": {name: tuple(c.categories) for name, c in found.prompts.items()},
        },
        found.missing,
        {
            "picture": Moderator(policy, pictures).checked,
            "prompt": tuple(sorted({category for c in prompts for category in c.categories})),
        },
    )


class Matched(Protocol):
    """A place in a prompt that led to a score; see `provenance.moderate.prompt.Match`."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""


@runtime_checkable
class Explains(Protocol):
    """A classifier of prompts that can say which words it scored."""

    def explain(self, prompt: str) -> Sequence[Matched]:
        """What was found, in order."""
        ...


@dataclass(frozen=True, slots=True)
class PromptTrial:
    """What a policy would do with a prompt.

    Attributes:
        action: allow, flag or block.
        findings: what was scored; the last one blocks, if one does.
        matches: which words led to it, from classifiers that say so; none where the floor blocks.
        checked: false if there is no classifier of prompts, so that nothing was looked at.
    """

    action: Action
    findings: tuple[Finding, ...]
    matches: tuple[Mapping[str, Any], ...]
    checked: bool

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, for operators."""
        return {
            "action": self.action.value,
            "checked": self.checked,
            "findings": [finding.to_dict() for finding in self.findings],
            "matches": [dict(match) for match in self.matches],
        }


def try_prompt(policy: Policy, prompt: str) -> PromptTrial:
    """What a policy would do with a prompt here. Nothing is recorded.

    Raises:
        ConfigError: the policy names a classifier that is unknown.
        ModerationFailed: a classifier failed.
    """
    found = tuple(build.classifiers(policy).prompts.values())
    try:
        findings = Moderator(policy, prompts=found).check_prompt(prompt)
    except Blocked as error:
        findings = (blocking(error),)
    action = max((f.action for f in findings), key=lambda a: a.rank, default=Action.ALLOW)
    matches: list[Mapping[str, Any]] = []
    if not any(f.category in FLOOR and f.action is Action.BLOCK for f in findings):
        for classifier in found:
            if isinstance(classifier, Explains):
                matches += [match.to_dict() for match in classifier.explain(prompt)]
    return PromptTrial(action, findings, tuple(matches), bool(found))


def blocking(error: Blocked) -> Finding:
    """The finding that a refusal tells of."""
    stage: Stage = "prompt" if error.stage == "prompt" else "picture"
    return Finding(error.category, error.score, error.threshold, Action.BLOCK, "", stage)
