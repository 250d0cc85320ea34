"""Turns scores into actions, at thresholds that the prompt moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.interface import (
    FLOOR,
    PROMPT_ACTIONS,
    Action,
    Finding,
    Policy,
    Stage,
)


def check(policy: Policy) -> Policy:
    """Return the policy if it can be obeyed.

    Raises:
        ConfigError: thresholds outside 0 to 1, actions that contradict each other, or an attempt
            to soften what no policy can.
    """
    for category, rule in policy.rules.items():
        _check_ladder(policy.name, category, "picture", rule.picture)
        _check_ladder(policy.name, category, "prompt", rule.prompt)
    for name in ("risky_prompt", "benign_prompt"):
        value = getattr(policy, name)
        if not (math.isfinite(value) and 0.0 <= value <= 10.0):
            raise ConfigError(
                f"policy '{policy.name}' has {name} = {value}; expected 0 to 10 logits"
            )
    if not 0 <= policy.attempts <= 20:
        raise ConfigError(
            f"policy '{policy.name}' has attempts = {policy.attempts}; expected 0 to 20"
        )
    if not (math.isfinite(policy.timeout_s) and policy.timeout_s > 0):
        raise ConfigError(
            f"policy '{policy.name}' has timeout_s = {policy.timeout_s}; expected a number over 0"
        )
    return policy


def _check_ladder(policy: str, category: str, stage: Stage, ladder: Mapping[Action, float]) -> None:
    where = f"policy '{policy}', {category} in the {stage}"
    for action, threshold in ladder.items():
        if action is Action.ALLOW:
            raise ConfigError(f"{where}: allow needs no threshold; what reaches none is allowed")
        if stage == "prompt" and action not in PROMPT_ACTIONS:
            raise ConfigError(
                f"{where}: a prompt cannot be met with {action}; expected flag or block"
            )
        if not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
            raise ConfigError(f"{where}: {action} starts at {threshold}; expected 0 to 1")
        if category in FLOOR and (action is not Action.BLOCK or threshold > FLOOR[category]):
            raise ConfigError(
                f"{where}: no policy can soften this category; expected block at "
                f"{FLOOR[category]} or lower, or nothing"
            )
    steps = sorted(ladder.items(), key=lambda step: step[0].rank)
    for (milder, low), (harder, high) in pairwise(steps):
        if low >= high:
            raise ConfigError(
                f"{where}: {milder} starts at {low} and {harder} at {high}, so {milder} would "
                "never be taken; expected thresholds that rise with the action, or one action less"
            )


def shift_of(policy: Policy, category: str, before: Sequence[Finding]) -> float:
    """By how many logits a prompt moves the picture's thresholds; negative is stricter.

    The riskiest finding on a prompt counts. A category of `FLOOR` is never raised.
    """
    seen = [f for f in before if f.stage == "prompt" and f.category == category]
    if any(f.action.rank >= Action.FLAG.rank for f in seen):
        return -policy.risky_prompt
    return policy.benign_prompt if seen and category not in FLOOR else 0.0


def judge(
    policy: Policy,
    category: str,
    score: float,
    classifier: str,
    stage: Stage,
    shift: float = 0.0,
) -> Finding:
    """What the policy makes of one score.

    Args:
        policy: one that `check` has passed.
        category: what was scored.
        score: in [0, 1].
        classifier: who scored.
        stage: prompt or picture.
        shift: logits to add to every threshold, which stays within 0 to 1; ends stay where they
            are, so that a threshold of 0 always and of 1 only at full score applies.

    Raises:
        ModerationFailed: the score is not a number in [0, 1]; a broken check blocks.
    """
    if not (math.isfinite(score) and 0.0 <= score <= 1.0):
        raise ModerationFailed(
            f"{classifier} scored {category} at {score}; expected a number from 0 to 1, "
            f"so the {stage} is held back"
        )
    if category in FLOOR:
        return _floor(policy, category, score, classifier, stage, shift)
    ladder = policy.rules[category].at(stage) if category in policy.rules else {}
    moved = {action: moved_by(threshold, shift) for action, threshold in ladder.items()}
    reached = [action for action, threshold in moved.items() if score >= threshold]
    action = max(reached, key=lambda a: a.rank, default=Action.ALLOW)
    threshold = moved.get(action, min(moved.values(), default=None))
    return Finding(category, score, threshold, action, classifier, stage, shift if moved else 0.0)


def _floor(
    policy: Policy, category: str, score: float, classifier: str, stage: Stage, shift: float
) -> Finding:
    """Blocked or allowed, and nothing else is told."""
    ladder = policy.rules[category].at(stage) if category in policy.rules else {}
    limit = min(FLOOR[category], ladder.get(Action.BLOCK, 1.0))
    blocks = score >= moved_by(limit, min(shift, 0.0))
    action = Action.BLOCK if blocks else Action.ALLOW
    return Finding(category, None, None, action, classifier, stage)


def moved_by(threshold: float, shift: float) -> float:
    """The threshold, `shift` logits higher; 0 and 1 stay."""
    if shift == 0.0 or threshold in (0.0, 1.0):
        return threshold
    likelier = threshold * math.exp(shift)
    moved = likelier / (likelier + 1.0 - threshold)
    return min(moved, threshold) if shift < 0.0 else max(moved, threshold)
