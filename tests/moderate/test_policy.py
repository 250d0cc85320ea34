"""Scores become actions exactly at the thresholds, which a prompt moves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.interface import FLOOR, Action, Finding, Policy, Rule
from provenance.moderate.policy import check, judge, moved_by, shift_of

LADDER = {Action.FLAG: 0.25, Action.BLUR: 0.5, Action.BLOCK: 0.75}
POLICY = Policy("house", {"nudity": Rule(LADDER, {Action.BLOCK: 0.9})})


@pytest.mark.parametrize(
    ("score", "action", "threshold"),
    [
        (0.0, Action.ALLOW, 0.25),
        (math.nextafter(0.25, 0), Action.ALLOW, 0.25),
        (0.25, Action.FLAG, 0.25),
        (math.nextafter(0.5, 0), Action.FLAG, 0.25),
        (0.5, Action.BLUR, 0.5),
        (0.75, Action.BLOCK, 0.75),
        (1.0, Action.BLOCK, 0.75),
    ],
)
def test_edges(score, action, threshold):
    finding = judge(POLICY, "nudity", score, "c/1", "picture")
    assert (finding.action, finding.threshold) == (action, threshold)
    assert (finding.category, finding.score, finding.classifier, finding.stage) == (
        "nudity",
        score,
        "c/1",
        "picture",
    )


def test_prompts_have_thresholds_of_their_own():
    assert judge(POLICY, "nudity", 0.8, "c/1", "prompt").action is Action.ALLOW
    assert judge(POLICY, "nudity", 0.9, "c/1", "prompt").action is Action.BLOCK


def test_a_category_without_a_rule_is_reported_and_allowed():
    finding = judge(POLICY, "gore", 1.0, "c/1", "picture")
    assert (finding.action, finding.threshold) == (Action.ALLOW, None)


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -0.001, 1.001])
def test_a_score_that_is_no_score_holds_the_picture_back(score):
    with pytest.raises(ModerationFailed, match=r"c/1 scored nudity at .* the prompt is held back"):
        judge(POLICY, "nudity", score, "c/1", "prompt")


@pytest.mark.parametrize(
    ("ladder", "message"),
    [
        ({Action.FLAG: 0.8, Action.BLOCK: 0.5}, "flag would never be taken"),
        ({Action.FLAG: 0.5, Action.BLOCK: 0.5}, "flag would never be taken"),
        ({Action.BLUR: 0.5, Action.FLAG: 0.6}, "expected thresholds that rise with the action"),
        ({Action.FLAG: -0.1}, "flag starts at -0.1; expected 0 to 1"),
        ({Action.BLOCK: 1.1}, "block starts at 1.1; expected 0 to 1"),
        ({Action.BLOCK: math.nan}, "block starts at nan; expected 0 to 1"),
        ({Action.ALLOW: 0.1}, "allow needs no threshold"),
    ],
)
def test_thresholds_that_cannot_be_obeyed(ladder, message):
    with pytest.raises(ConfigError, match=message):
        check(Policy("x", {"nudity": Rule(ladder)}))


@pytest.mark.parametrize("action", [Action.BLUR, Action.REPLACE, Action.REGENERATE, Action.REVIEW])
def test_what_needs_a_picture_is_no_answer_to_a_prompt(action):
    with pytest.raises(ConfigError, match="a prompt cannot be met with"):
        check(Policy("x", {"nudity": Rule({}, {action: 0.5})}))


@pytest.mark.parametrize(
    "settings",
    [
        {"risky_prompt": -1.0},
        {"benign_prompt": math.nan},
        {"attempts": -1},
        {"attempts": 21},
        {"timeout_s": 0.0},
        {"timeout_s": math.inf},
    ],
)
def test_settings_that_cannot_be_obeyed(settings):
    with pytest.raises(ConfigError, match=f"policy 'x' has {next(iter(settings))} = "):
        check(Policy("x", **settings))


# The floor


@pytest.mark.parametrize("stage", ["prompt", "picture"])
def test_the_floor_needs_no_rule_and_shows_no_score(stage):
    finding = judge(Policy("empty"), "sexual-minors", 0.5, "c/1", stage)
    assert finding.action is Action.BLOCK
    assert finding.score is None
    assert finding.threshold is None
    below = judge(Policy("empty"), "sexual-minors", 0.49, "c/1", stage)
    assert (below.action, below.score) == (Action.ALLOW, None)


@pytest.mark.parametrize(
    "ladder", [{Action.BLOCK: 0.6}, {Action.FLAG: 0.1}, {Action.FLAG: 0.1, Action.BLOCK: 0.5}]
)
def test_no_policy_softens_the_floor(ladder):
    for rule in (Rule(ladder), Rule({}, ladder)):
        with pytest.raises(ConfigError, match="no policy can soften this category"):
            check(Policy("lax", {"sexual-minors": rule}))


def test_a_policy_may_lower_the_floor():
    policy = check(Policy("hard", {"sexual-minors": Rule({Action.BLOCK: 0.1})}))
    assert judge(policy, "sexual-minors", 0.1, "c/1", "picture").action is Action.BLOCK


def test_a_benign_prompt_never_raises_the_floor():
    finding = judge(Policy("x"), "sexual-minors", FLOOR["sexual-minors"], "c", "picture", 5.0)
    assert finding.action is Action.BLOCK


# Both together


def on_prompt(action: Action, category: str = "nudity") -> Finding:
    return Finding(category, 0.6, 0.5, action, "terms", "prompt")


def test_a_risky_prompt_lowers_the_bar_and_a_benign_one_raises_it():
    policy = Policy("p", {"nudity": Rule({Action.BLOCK: 0.8})}, risky_prompt=1, benign_prompt=0.25)
    risky = shift_of(policy, "nudity", [on_prompt(Action.ALLOW), on_prompt(Action.FLAG)])
    benign = shift_of(policy, "nudity", [on_prompt(Action.ALLOW)])
    assert (risky, benign) == (-1, 0.25)
    assert judge(policy, "nudity", 0.65, "c", "picture", risky).action is Action.BLOCK
    assert judge(policy, "nudity", 0.65, "c", "picture").action is Action.ALLOW
    assert judge(policy, "nudity", 0.81, "c", "picture").action is Action.BLOCK
    lenient = judge(policy, "nudity", 0.81, "c", "picture", benign)
    assert (lenient.action, lenient.shift) == (Action.ALLOW, 0.25)


def test_a_prompt_moves_its_own_category_alone():
    policy = Policy("p", {"gore": Rule({Action.BLOCK: 0.8})})
    assert shift_of(policy, "gore", [on_prompt(Action.FLAG)]) == 0.0
    assert shift_of(policy, "nudity", []) == 0.0


def test_a_shift_of_one_logit_is_what_the_documentation_says():
    assert moved_by(0.8, -1.0) == pytest.approx(0.595, abs=0.001)


@given(st.floats(0, 1), st.floats(-10, 10))
def test_a_moved_threshold_stays_a_threshold(threshold, shift):
    moved = moved_by(threshold, shift)
    assert 0.0 <= moved <= 1.0
    assert moved <= threshold if shift < 0 else moved >= threshold


@given(st.floats(0, 1), st.floats(-10, 0))
def test_a_risky_prompt_never_softens_an_action(score, shift):
    plain = judge(POLICY, "nudity", score, "c", "picture").action
    stricter = judge(POLICY, "nudity", score, "c", "picture", shift).action
    assert stricter.rank >= plain.rank


def test_the_digest_changes_with_what_is_done_and_not_with_the_name():
    same = Policy("other", POLICY.rules)
    harder = Policy("house", {"nudity": Rule({Action.BLOCK: 0.1})})
    assert POLICY.digest == same.digest
    assert POLICY.digest != harder.digest
    assert str(POLICY) == f"house@{POLICY.digest}"
