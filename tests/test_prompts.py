"""Every prompt among a generator's arguments is found, with what it steers away from."""

from __future__ import annotations

import inspect

import pytest

from provenance._prompts import prompts_of
from provenance.errors import ModerationFailed


def found(function, *args, **kwargs):
    return prompts_of(inspect.signature(function), args, kwargs)


def diffusion(prompt=None, prompt_2=None, *, steps=4, negative_prompt=None, **more):
    """Arguments as diffusers has them."""


def test_by_position_and_by_name():
    assert found(diffusion, "a cat") == ("a cat",)
    assert found(diffusion, prompt="a cat") == ("a cat",)


def test_every_text_encoders_prompt_counts():
    assert found(diffusion, "a cat", "a dog", prompt_3="a bird") == ("a cat", "a dog", "a bird")


def test_the_first_argument_where_none_is_named():
    assert found(lambda text, seed=1: None, "a cat") == ("a cat",)
    assert found(lambda *texts: None, "a cat", "a dog") == ("a cat",)


def test_without_text_there_is_no_prompt():
    assert found(lambda seed: None, 5) == ()
    assert found(lambda: None) == ()
    assert found(diffusion) == ()


@pytest.mark.parametrize("prompt", [5, ["a cat", 5], {"text": "a cat"}, b"a cat"])
def test_a_prompt_that_cannot_be_moderated_is_refused(prompt):
    with pytest.raises(ModerationFailed, match=r"the prompt is a .*; expected text"):
        found(diffusion, prompt)
    with pytest.raises(ModerationFailed, match="the prompt 2 is a"):
        found(diffusion, "a cat", prompt)


def test_negative_prompts_come_with_theirs():
    (one,) = found(diffusion, "a cat", negative_prompt="blur")
    assert (one, one.negative) == ("a cat", "blur")
    two = found(diffusion, ["a cat", "a dog"], negative_prompt=["blur", "rain"])
    assert [(p, p.negative) for p in two] == [("a cat", "blur"), ("a dog", "rain")]
    pair = found(diffusion, ["a cat", "a dog"], negative_prompt="blur")
    assert [p.negative for p in pair] == ["blur", "blur"]
    (second,) = found(diffusion, prompt_2="a dog", negative_prompt_2="rain")
    assert second.negative == "rain"
