"""Whatever goes wrong, blocks; what was not looked at, is said."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from provenance.errors import Blocked, ConfigError, ModerationFailed, UnsupportedPicture
from provenance.moderate.interface import CATEGORIES, Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.testing import FailingClassifier, FixedClassifier
from tests import signed


def rule(flag: float, block: float) -> Rule:
    ladder = {Action.FLAG: flag, Action.BLOCK: block}
    return Rule(ladder, ladder)


POLICY = Policy("house", {"nudity": rule(0.3, 0.8), "gore": rule(0.1, 0.2)})
PICTURE = signed.drawing()


def moderator(*pictures, prompts=(), policy=POLICY) -> Moderator:
    return Moderator(policy, pictures=pictures, prompts=prompts)


def test_a_low_score_is_allowed():
    decision = moderator(FixedClassifier({"nudity": 0.1})).check_picture(PICTURE)
    assert decision.action is Action.ALLOW
    assert [f.category for f in decision.findings] == ["nudity"]


def test_the_hardest_finding_decides():
    classifiers = (
        FixedClassifier({"nudity": 0.4, "alcohol-tobacco": 1.0}),
        FixedClassifier({"gore": 0.0}),
    )
    decision = moderator(*classifiers).check_picture(PICTURE)
    assert decision.action is Action.FLAG
    assert [f.action for f in decision.findings] == [Action.FLAG, Action.ALLOW, Action.ALLOW]


def test_a_high_score_blocks_and_says_why():
    with pytest.raises(Blocked) as info:
        moderator(FixedClassifier({"nudity": 0.8})).check_picture(PICTURE)
    error = info.value
    assert (error.category, error.score, error.threshold) == ("nudity", 0.8, 0.8)
    assert (error.policy, error.stage) == (str(POLICY), "picture")
    assert str(error) == (
        "the picture was refused by policy 'house' for nudity; change the picture"
    )


def test_blocked_crosses_process_boundaries():
    error = Blocked("gore", 0.9, 0.2, "house", "prompt")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is Blocked
    assert again.__dict__ == error.__dict__
    assert str(again) == str(error)


def test_classifiers_run_in_order_and_the_first_block_ends_it():
    after = FixedClassifier({"gore": 0.0})
    with pytest.raises(Blocked):
        moderator(FixedClassifier({"nudity": 1.0}), after).check_picture(PICTURE)
    assert after.seen == []


@pytest.mark.parametrize(
    "error",
    [RuntimeError("a secret"), KeyError("nudity"), MemoryError(), ValueError(), OSError("disk")],
)
def test_a_classifier_that_raises_blocks(error):
    with pytest.raises(ModerationFailed, match=r"failing/1 failed with .* is held back") as info:
        moderator(FailingClassifier(error)).check_picture(PICTURE)
    assert type(error).__name__ in str(info.value)
    assert "secret" not in str(info.value)
    assert info.value.__cause__ is error


def test_our_own_errors_pass_as_they_are():
    with pytest.raises(UnsupportedPicture):
        moderator(FailingClassifier(UnsupportedPicture("no"))).check_picture(PICTURE)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.01, 1.01, None, "high", [0.1]])
def test_a_score_that_is_no_score_blocks(score):
    with pytest.raises(ModerationFailed, match=r"fixed/1 .* is held back"):
        moderator(FixedClassifier({"nudity": score})).check_picture(PICTURE)


def test_a_score_too_few_blocks():
    classifier = FixedClassifier({"gore": 0.0}, categories=("nudity", "gore"))
    with pytest.raises(ModerationFailed, match="gave no score for nudity; the picture is held"):
        moderator(classifier).check_picture(PICTURE)


def test_no_scores_at_all_block():
    classifier = FixedClassifier({}, categories=("nudity",))
    with pytest.raises(ModerationFailed):
        moderator(classifier).check_picture(PICTURE)
    classifier.scores = lambda subject: None
    with pytest.raises(ModerationFailed, match="failed with AttributeError"):
        moderator(classifier).check_picture(PICTURE)


def test_scores_may_be_numpys():
    classifier = FixedClassifier({"nudity": np.float32(0.5)})
    decision = moderator(classifier).check_picture(PICTURE)
    assert decision.to_dict()["findings"][0]["score"] == 0.5


def test_a_policy_that_cannot_be_obeyed_is_refused_at_once():
    with pytest.raises(ConfigError):
        moderator(policy=Policy("x", {"nudity": rule(0.9, 0.1)}))


# Prompts


def test_prompts_are_judged_by_their_own_classifiers():
    prompts = FixedClassifier({"nudity": 0.5}, name="words/1")
    judge = moderator(FixedClassifier({"nudity": 0.0}), prompts=[prompts])
    before = judge.check_prompt("a prompt")
    assert prompts.seen == ["a prompt"]
    assert [(f.stage, f.action) for f in before] == [("prompt", Action.FLAG)]
    decision = judge.check_picture(PICTURE, before)
    assert decision.action is Action.FLAG
    assert [f.stage for f in decision.findings] == ["prompt", "picture"]


def test_a_prompt_blocks_and_is_not_repeated():
    judge = moderator(prompts=[FixedClassifier({"gore": 0.2})])
    with pytest.raises(Blocked) as info:
        judge.check_prompt("the whole prompt")
    assert info.value.stage == "prompt"
    assert "whole" not in str(info.value)


def test_a_prompt_classifier_that_raises_blocks():
    judge = moderator(prompts=[FailingClassifier(RuntimeError("the whole prompt"))])
    with pytest.raises(ModerationFailed, match="the prompt is held back") as info:
        judge.check_prompt("the whole prompt")
    assert "whole" not in str(info.value)


# What nobody looked at


def test_every_category_that_nobody_scored_in_the_picture_is_named():
    judge = moderator(
        FixedClassifier({"nudity": 0.0}), prompts=[FixedClassifier({"violence": 0.0})]
    )
    decision = judge.check_picture(PICTURE, judge.check_prompt("x"))
    assert set(decision.not_checked) == set(CATEGORIES) - {"nudity"}
    assert decision.to_dict()["not_checked"] == list(decision.not_checked)


def test_without_classifiers_nothing_was_checked():
    decision = moderator().check_picture(PICTURE)
    assert decision.action is Action.ALLOW
    assert decision.not_checked == CATEGORIES


def test_the_floor_is_named_before_anything_else():
    both = FixedClassifier({"nudity": 1.0, "sexual-minors": 1.0})
    with pytest.raises(Blocked) as info:
        moderator(prompts=[both]).check_prompt("x")
    assert (info.value.category, info.value.score) == ("sexual-minors", None)
    assert "sexual-minors" not in str(info.value)
