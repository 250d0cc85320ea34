"""Turns scores into an action. The standard thresholds come from measured false positives."""

from __future__ import annotations

import math

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.interface import CATEGORIES, Action, Finding, Policy, Threshold


def standard() -> Policy:
    """The default policy: nudity flagged and blocked where models/nudity/metrics.json says.

    The file is written by models/nudity/evaluate.py, which states on how many benign pictures,
    of which kinds, each threshold fired.
    """
    from provenance_models import read_json

    chosen = read_json("nudity", "metrics.json")["thresholds"]
    return Policy("standard", {"nudity": Threshold(chosen["flag"], chosen["block"])})


def check(policy: Policy) -> Policy:
    """Return the policy if it can be obeyed.

    Raises:
        ConfigError: an unknown category, or thresholds that are not 0 <= flag <= block <= 1.
    """
    for category, limit in policy.thresholds.items():
        if category not in CATEGORIES:
            raise ConfigError(
                f"policy '{policy.name}' names the category '{category}'; "
                f"expected one of {', '.join(CATEGORIES)}"
            )
        if not 0.0 <= limit.flag <= limit.block <= 1.0:
            raise ConfigError(
                f"policy '{policy.name}' flags {category} at {limit.flag} and blocks it at "
                f"{limit.block}; expected 0 <= flag <= block <= 1"
            )
    return policy


def judge(policy: Policy, category: str, score: float, classifier: str, stage: str) -> Finding:
    """What the policy makes of one score.

    Raises:
        ModerationFailed: the score is not a number in [0, 1]; a broken check blocks.
    """
    if not (math.isfinite(score) and 0.0 <= score <= 1.0):
        raise ModerationFailed(
            f"{classifier} scored {category} at {score}; expected a number from 0 to 1, "
            f"so the {stage} is held back"
        )
    limit = policy.thresholds.get(category)
    if limit is None:
        return Finding(category, score, 1.0, Action.ALLOW, classifier, stage)
    if score >= limit.block:
        return Finding(category, score, limit.block, Action.BLOCK, classifier, stage)
    if score >= limit.flag:
        return Finding(category, score, limit.flag, Action.FLAG, classifier, stage)
    return Finding(category, score, limit.block, Action.ALLOW, classifier, stage)
