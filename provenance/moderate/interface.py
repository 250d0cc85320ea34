"""What a moderator is given and what it returns.

A classifier scores; a policy decides; a `Moderator` runs the one and asks the other. A category
that nobody scored is listed in `Decision.not_checked`, so that silence is never read as safety.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

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


class Action(StrEnum):
    """What happens to a prompt or a picture, from mildest to hardest."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """One category's score and what the policy makes of it.

    Attributes:
        category: one of `CATEGORIES`.
        score: in [0, 1], from the named classifier; not a probability unless its card says so.
        threshold: the score at which this action starts, or the one at which blocking would.
        action: what the policy does at this score.
        classifier: who gave the score, with its version.
        stage: `prompt` or `picture`.
    """

    category: str
    score: float
    threshold: float
    action: Action
    classifier: str
    stage: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What moderation saw and decided.

    Attributes:
        action: the hardest action of all findings; `allow` if there are none.
        findings: one for each category that was scored.
        not_checked: categories of the taxonomy that no classifier scored.
        policy: the policy's name.
    """

    action: Action
    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    policy: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "action": self.action.value,
            "policy": self.policy,
            "findings": [
                {
                    "category": f.category,
                    "score": round(f.score, 4),
                    "threshold": f.threshold,
                    "action": f.action.value,
                    "classifier": f.classifier,
                    "stage": f.stage,
                }
                for f in self.findings
            ],
            "not_checked": list(self.not_checked),
        }


class PictureClassifier(Protocol):
    """Scores a picture for one or more categories."""

    @property
    def name(self) -> str:
        """Who scores, with the version."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What is scored, from `CATEGORIES`."""

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
        """What is scored, from `CATEGORIES`."""

    def scores(self, prompt: str) -> Mapping[str, float]:
        """A score in [0, 1] for each of `categories`. May raise; that blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a category is flagged and where it is blocked, both in [0, 1], flag <= block."""

    flag: float
    block: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds by category. A category without one is scored, reported and allowed.

    Attributes:
        name: appears in decisions and in `Blocked`.
        thresholds: by category.
    """

    name: str = "standard"
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
