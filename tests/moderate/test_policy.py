"""Scores become actions exactly at the thresholds."""

from __future__ import annotations

import math

import pytest

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.interface import CATEGORIES, Action, Policy, Threshold
from provenance.moderate.policy import check, judge, standard
from provenance_models import read_json

POLICY = Policy("house", {"nudity": Threshold(0.25, 0.75)})


@pytest.mark.parametrize(
    ("score", "action", "threshold"),
    [
        (0.0, Action.ALLOW, 0.75),
        (math.nextafter(0.25, 0), Action.ALLOW, 0.75),
        (0.25, Action.FLAG, 0.25),
        (math.nextafter(0.75, 0), Action.FLAG, 0.25),
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


def test_a_category_without_a_threshold_is_reported_and_allowed():
    finding = judge(POLICY, "gore", 1.0, "c/1", "picture")
    assert (finding.action, finding.threshold) == (Action.ALLOW, 1.0)


@pytest.mark.parametrize(
    ("limit", "score", "action"),
    [
        (Threshold(0, 0), 0.0, Action.BLOCK),
        (Threshold(1, 1), 1.0, Action.BLOCK),
        (Threshold(1, 1), 0.999, Action.ALLOW),
        (Threshold(0, 1), 0.0, Action.FLAG),
        (Threshold(0.5, 0.5), 0.5, Action.BLOCK),
    ],
)
def test_the_ends_of_the_scale(limit, score, action):
    policy = check(Policy("x", {"gore": limit}))
    assert judge(policy, "gore", score, "c", "picture").action is action


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -0.001, 1.001])
def test_a_score_that_is_no_score_holds_the_picture_back(score):
    with pytest.raises(ModerationFailed, match=r"c/1 scored nudity at .* the prompt is held back"):
        judge(POLICY, "nudity", score, "c/1", "prompt")


@pytest.mark.parametrize(
    "limit",
    [
        Threshold(0.8, 0.5),
        Threshold(-0.1, 0.5),
        Threshold(0.5, 1.1),
        Threshold(math.nan, 0.5),
        Threshold(0.5, math.nan),
        Threshold(0.5, math.inf),
    ],
)
def test_thresholds_that_cannot_be_obeyed(limit):
    with pytest.raises(ConfigError, match="expected 0 <= flag <= block <= 1"):
        check(Policy("x", {"nudity": limit}))


def test_a_category_that_nobody_knows():
    with pytest.raises(ConfigError, match="names the category 'nudty'; expected one of nudity"):
        check(Policy("x", {"nudty": Threshold(0, 1)}))


def test_the_standard_policy_is_what_was_measured():
    chosen = read_json("nudity", "metrics.json")["thresholds"]
    assert check(standard()) == Policy(
        "standard", {"nudity": Threshold(chosen["flag"], chosen["block"])}
    )
    assert set(standard().thresholds) <= set(CATEGORIES)
