"""A function as a classifier, alone and within a moderator."""

from __future__ import annotations

import pytest

from provenance.errors import ModerationFailed
from provenance.moderate.interface import Policy
from provenance.moderate.moderator import Moderator
from provenance.moderate.prompt.adapters.function import FunctionClassifier


def test_it_asks_the_function():
    classifier = FunctionClassifier(lambda p: {"drugs": len(p) / 10}, ["drugs"], "length/1")
    assert classifier.scores("abcde") == {"drugs": 0.5}
    assert (classifier.categories, classifier.name) == (("drugs",), "length/1")


def test_what_is_no_text_never_reaches_it():
    with pytest.raises(ModerationFailed):
        FunctionClassifier(lambda p: {"drugs": 0.0}, ["drugs"], "none").scores(None)


@pytest.mark.parametrize("function", [lambda p: {}, lambda p: 1 / 0, lambda p: {"drugs": 7.0}])
def test_a_function_that_fails_blocks(function):
    classifier = FunctionClassifier(function, ["drugs"], "broken")
    with pytest.raises(ModerationFailed, match="broken"):
        Moderator(Policy(), prompts=(classifier,)).check_prompt("a cat")
