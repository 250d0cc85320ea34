"""The arguments of pipes, told by their names."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance.errors import ModerationFailed
from provenance.integrations._asked import NAMED, Asked
from provenance.moderate.prompt.interface import Prompt

RED = Image.new("RGB", (8, 8), "red")


def call(
    self=None,
    prompt=None,
    prompt_2=None,
    image=None,
    mask_image=None,
    negative_prompt=None,
    negative_prompt_2=None,
    gligen_phrases=None,
    source_prompt=None,
    prompt_template=None,
    prompt_embeds=None,
    prompt_embeds_mask=None,
    negative_prompt_embeds=None,
    prompt_embeds_scale=1.0,
    ip_adapter_image=None,
    ip_adapter_image_embeds=None,
    masked_image_latents=None,
    prompt_attention_mask=None,
    conditions=None,
    latents=None,
    control_video=None,
    output_type="pil",
    callback_on_step_end=None,
    **kwargs,
):
    """As pipes are called."""


def asked(*args: Any, **kwargs: Any) -> Asked:
    return Asked(inspect.signature(call).bind(None, *args, **kwargs))


def test_every_prompt_counts_with_its_negative():
    found = asked("a", "b", negative_prompt="c", negative_prompt_2="d").prompts()
    assert found == (Prompt("a", "c"), Prompt("b", "d"))
    assert [each.negative for each in found] == ["c", "d"]


@pytest.mark.parametrize(
    "given",
    [
        {"gligen_phrases": ["x"]},
        {"gligen_phrases": [["x"]]},
        {"source_prompt": "x"},
        {"prompt_template": {"template": "x"}},
        {"target_subject_category": ["x"]},
        {"prompt_3": "x"},
        {"editing_prompt": ("x",)},
    ],
)
def test_other_words_count_as_well(given):
    assert asked("a", **given).prompts() == ("a", "x")


def test_prompts_by_frame():
    assert asked({0: "a", 8: "b"}).prompts() == ("a", "b")


def test_the_same_words_are_read_once():
    assert asked(["a", "a"], "a").prompts() == ("a",)


def test_a_prompt_that_is_no_text_is_refused():
    with pytest.raises(ModerationFailed):
        asked(RED).prompts()


@pytest.mark.parametrize(
    "name", ["prompt_embeds", "negative_prompt_embeds", "ip_adapter_image_embeds", "image_embeds"]
)
def test_embeddings(name):
    assert asked(**{name: np.zeros((1, 77, 8))}).embedded() == [name]
    assert asked(**{name: [np.zeros((1, 77, 8))]}).embedded() == [name]
    assert asked(**{name: None}).embedded() == []


def test_what_only_sounds_like_embeddings():
    plain = {"prompt_embeds_scale": 2.0, "prompt_attention_mask": np.ones(3), "latents": np.ones(3)}
    assert asked("a", **plain, prompt_embeds_mask=np.ones(3)).embedded() == []


def test_callbacks_are_found_and_exchanged():
    def watch():
        """Do nothing."""

    for name in ("callback_on_step_end", "callback"):
        it = asked("a", **{name: watch})
        assert it.callbacks() == {name: watch}
        it.replace(name, print)
        assert it.callbacks() == {name: print}


def test_a_mask_makes_the_picture_the_parent():
    inputs, notes = asked("a", image=[RED], mask_image=RED).inputs(edits=False)
    assert inputs.edited is RED
    assert inputs.references == (RED,)
    assert notes == ()


def test_a_pipe_that_edits():
    assert asked("a", image=RED).inputs(edits=True)[0].edited is RED
    both = asked("a", image=[RED, RED]).inputs(edits=True)[0]
    assert (both.edited, both.references) == (None, (RED, RED))
    assert asked("a", ip_adapter_image=RED).inputs(edits=True)[0].edited is None


@dataclass
class Condition:
    image: Any
    strength: float = 1.0


@pytest.mark.parametrize(
    "given",
    [
        {"image": RED},
        {"ip_adapter_image": [[RED]]},
        {"conditions": Condition(RED)},
        {"conditions": [Condition(np.zeros((8, 8, 3)))]},
        {"negative_ip_adapter_image": RED},
        {"image": np.zeros((1, 8, 8, 3))},
        {"image": np.full((8, 8, 3), 200, np.float32)},
        {"image": np.full((1, 3, 8, 8), -1.0)},
        {"mask_image": np.zeros((8, 8), bool)},
        {"image": "a.png"},
    ],
)
def test_pictures_in_every_form(given):
    inputs, notes = asked("a", **given).inputs(edits=False)
    assert (inputs.edited, len(inputs.references), notes) == (None, 1, ())


@pytest.mark.parametrize(
    "given",
    [
        {"latents": np.zeros((1, 4, 8, 8))},
        {"masked_image_latents": np.zeros((1, 4, 8, 8))},
        {"prompt_attention_mask": np.ones((1, 77))},
        {"condition_video_keep": "first"},
        {"image_guidance_scale": 1.5},
        {"output_type": "np"},
    ],
)
def test_what_is_no_picture(given):
    inputs, notes = asked("a", **given).inputs(edits=False)
    assert (inputs.references, notes) == ((), ())


def test_latents_in_the_place_of_a_picture_are_noted():
    inputs, notes = asked("a", image=np.zeros((1, 16, 8, 8))).inputs(edits=True)
    assert (inputs.edited, inputs.references) == (None, ())
    assert len(notes) == 1


def test_a_long_film_is_not_named_frame_by_frame():
    inputs, notes = asked("a", control_video=[RED] * 40).inputs(edits=False)
    assert len(inputs.references) == NAMED
    assert notes == (f"40 input pictures were given; the first {NAMED} are named",)


def test_defaults_have_values_and_are_not_given():
    assert asked("a").value("output_type") == "pil"
    assert asked("a", output_type="np").value("output_type") == "np"
    assert asked("a").value("no_such_thing") is None
    assert dict(asked("a").given) == {"prompt": "a"}
