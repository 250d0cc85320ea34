"""What a moderator is given and what it returns.

A classifier scores; a policy decides; a `Moderator` runs the one and asks the other. A category
that nobody scored is listed in `Decision.not_checked`, so that silence is never read as safety.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from provenance.picture import Picture

CATEGORIES = (
    "nudity",
    "sexual",
    "sexual-minors",
    "violence",
    "gore",
    "weapons",
    "hate-symbols",
    "self-harm",
    "drugs",
    "alcohol-tobacco",
)
"""The taxonomy. A classifier may cover any part of it; every report names the rest."""

FLOOR: Mapping[str, float] = {"sexual-minors": 0.5}
"""Blocked from this score on whatever a policy says, and never with a score or a reason.

The number is not tuned: at 0.5 a classifier holds the category likelier than not. A policy can
only lower it.
"""

Stage = Literal["prompt", "picture"]


class Action(StrEnum):
    """What happens to a prompt or a picture, from mildest to hardest. The hardest one counts.

    A prompt can be allowed, flagged or blocked; the others need a picture.
    """

    ALLOW = "allow"
    FLAG = "flag"
    BLUR = "blur"
    REPLACE = "replace"
    REGENERATE = "regenerate"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return _ORDER.index(self)


_ORDER = tuple(Action)

PROMPT_ACTIONS = (Action.FLAG, Action.BLOCK)
"""What a policy may do with a prompt, besides allowing it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One category's score and what the policy makes of it.

    Attributes:
        category: one of `CATEGORIES`, or a category of the policy's own.
        score: in [0, 1], from the named classifier; not a probability unless its card says so.
            None for a category of `FLOOR`, whose scores are never shown.
        threshold: where this action starts, or where the mildest one would; None if there is none.
        action: what the policy does at this score.
        classifier: who gave the score, with its version.
        stage: `prompt` or `picture`.
        shift: how far the prompt moved the thresholds, in logits; negative is stricter.
    """

    category: str
    score: float | None
    threshold: float | None
    action: Action
    classifier: str
    stage: Stage
    shift: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "category": self.category,
            "score": None if self.score is None else round(self.score, 4),
            "threshold": None if self.threshold is None else round(self.threshold, 4),
            "action": self.action.value,
            "classifier": self.classifier,
            "stage": self.stage,
            "shift": round(self.shift, 4),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What moderation saw and decided.

    Attributes:
        action: the hardest action of all findings; `allow` if there are none.
        findings: one for each category that was scored, those of the prompt first.
        not_checked: categories of the taxonomy that no classifier scored in the picture.
        policy: the policy's name and digest, such as `standard@5f2c…`.
        timings: wall seconds of each classifier that ran, by name.
        notes: what was done, or left out, in plain words.
    """

    action: Action
    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    policy: str
    timings: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def causes(self) -> tuple[Finding, ...]:
        """The findings that led to the action."""
        return tuple(f for f in self.findings if f.action is self.action)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for operators; ready for JSON."""
        return {
            **self.public(),
            "findings": [finding.to_dict() for finding in self.findings],
            "timings_ms": {name: round(1000 * s, 2) for name, s in self.timings.items()},
            "notes": list(self.notes),
        }

    def public(self) -> dict[str, Any]:
        """What end users may see: no scores, which would teach how to pass."""
        return {
            "action": self.action.value,
            "policy": self.policy,
            "categories": sorted({f.category for f in self.causes()})
            if self.action is not Action.ALLOW
            else [],
            "not_checked": list(self.not_checked),
        }


class PictureClassifier(Protocol):
    """Scores a picture for one or more categories."""

    @property
    def name(self) -> str:
        """Who scores, with the version."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What is scored, from `CATEGORIES` or the policy's own."""

    def scores(self, picture: Picture) -> Mapping[str, float]:
        """A score in [0, 1] for each of `categories`. May raise; that blocks."""
        ...


class PromptClassifier(Protocol):
    """Scores a prompt for one or more categories."""

    @property
    def name(self) -> str:
        """Who scores, with the version."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What is scored, from `CATEGORIES` or the policy's own."""

    def scores(self, prompt: str) -> Mapping[str, float]:
        """A score in [0, 1] for each of `categories`. May raise; that blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Region:
    """A box in a picture, in pixels; right and bottom are not part of it."""

    left: int
    top: int
    right: int
    bottom: int


@runtime_checkable
class Locator(Protocol):
    """A classifier of pictures that can say where: blurring then spares the rest."""

    def regions(self, picture: Picture, category: str) -> Sequence[Region]:
        """The boxes that show a category; none means that the whole picture is meant."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done at which score of one category, in pictures and in prompts.

    Attributes:
        picture: the score in [0, 1] from which on each action is taken; harder ones start higher.
        prompt: likewise, of `PROMPT_ACTIONS`.
    """

    picture: Mapping[Action, float] = field(default_factory=dict)
    prompt: Mapping[Action, float] = field(default_factory=dict)

    def at(self, stage: Stage) -> Mapping[Action, float]:
        """The thresholds of a stage."""
        return self.picture if stage == "picture" else self.prompt


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done at which score, by which classifiers. A category without a rule is allowed.

    Attributes:
        name: appears in decisions, in `Blocked` and in the log.
        rules: by category.
        classifiers: who scores, by name, cheapest first; see `provenance.moderate.build`.
        on_missing: `refuse` to run when a category has a rule for pictures and nobody scores it,
            or `report` it as not checked.
        risky_prompt: logits by which a flagged prompt lowers the picture's thresholds of the same
            category, at least 0. A choice and no measurement: at 1, 0.80 becomes 0.60.
        benign_prompt: logits by which a prompt that was checked and not flagged raises them. Small
            by choice, since people who mean harm write benign prompts.
        attempts: how often `regenerate` may try again before the picture is blocked.
        timeout_s: after how many seconds a classifier counts as failed.
        looks: descriptions for the categories of the policy's own, for zero-shot classifiers.
    """

    name: str = "unnamed"
    rules: Mapping[str, Rule] = field(default_factory=dict)
    classifiers: tuple[str, ...] = ()
    on_missing: Literal["refuse", "report"] = "refuse"
    risky_prompt: float = 1.0
    benign_prompt: float = 0.25
    attempts: int = 2
    timeout_s: float = 60.0
    looks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of all that the policy says but its name, in hexadecimal."""
        said = asdict(self)
        del said["name"]
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}"
