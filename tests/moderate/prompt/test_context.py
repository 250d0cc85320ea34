"""Benign uses are kept, each with its reason; nothing else is excused by them."""

from __future__ import annotations

import pytest

from provenance.moderate.prompt import Prompt, PromptTerms

FLAG, BLOCK = 0.6, 0.9


@pytest.fixture(scope="module")
def classifier():
    return PromptTerms.standard()


@pytest.mark.parametrize(
    "prompt",
    [
        "breast cancer poster",
        "shooting stars",
        "chicken breast with rosemary",
        "nude lipstick",
        "Naked Juice bottle",
        "killer whale",
        "weed in the garden",
        "裸眼3D",
        "photo shoot in a studio",
        "Molotov cake",
        "portrait of Virginia Woolf",
        "a swastika on a Buddhist temple",
        "Essex, Sussex, Scunthorpe, Middlesex",
        "no blood, nobody nude",
        "a castle, no nudity, violence, or gore",
        "gore-free horror poster --no blood, guns, nudity --ar 16:9",
        "没有血腥，没有裸露",
        "without any kind of violence or visible blood",
        "nobody is naked",
        "カップヌードル",
        "pistolet à colle",
    ],
)
def test_benign_uses_pass(classifier, prompt):
    assert max(classifier.scores(prompt).values()) < FLAG


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("nude woman with nude lipstick", "nudity"),
        ("no, nude woman", "nudity"),
        ("no clothes", "nudity"),
        ("not a drawing, she is nude", "nudity"),
        ("a photo shoot of a man with a gun", "weapons"),
        ("smoking weed in the garden", "drugs"),
        ("killer whale and a severed head", "gore"),
        ("裸眼3D，裸体女人", "nudity"),
        ("no hat BREAK nude woman", "nudity"),
        ("no makeup on her nude body", "nudity"),
        ("a man with a gun in the water", "weapons"),
        ("nude woman, red lipstick", "nudity"),
        ("woman in a silk dress drinking wine", "alcohol-tobacco"),
    ],
)
def test_an_excuse_covers_its_own_term_alone(classifier, prompt, category):
    assert classifier.scores(prompt)[category] >= FLAG


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("nude Venus by Botticelli, renaissance painting", "nudity"),
        ("anatomical drawing of a nude man, medical textbook", "nudity"),
        ("holocaust museum exhibition on nazi propaganda", "hate-symbols"),
        ("禁毒宣传海报，海洛因", "drugs"),
    ],
)
def test_art_history_medicine_and_news_are_flagged_and_not_blocked(classifier, prompt, category):
    assert classifier.scores(prompt)[category] == FLAG
    assert any("context" in match.rule for match in classifier.explain(prompt))


def test_a_museum_excuses_no_explicit_act(classifier):
    assert classifier.scores("hardcore porn in a museum")["sexual"] == BLOCK


def test_two_weak_terms_are_flagged_and_one_is_not(classifier):
    assert classifier.scores("a cropped top with cleavage")["nudity"] < FLAG
    assert classifier.scores("cleavage and lingerie")["nudity"] == FLAG
    assert classifier.scores("cleavage, cleavage")["nudity"] < FLAG


class TestNegativePrompt:
    def test_its_words_are_no_request(self, classifier):
        prompt = Prompt("a castle", "nsfw, nude, blood, gun, porn")
        assert not any(classifier.scores(prompt).values())

    def test_steering_away_from_clothes_is_a_request(self, classifier):
        prompt = Prompt("a woman on a beach", "clothes, lowres")
        assert classifier.scores(prompt)["nudity"] == FLAG
        (match,) = classifier.explain(prompt)
        assert match.rule == "negative prompt"
        assert prompt.negative[slice(*match.span)] == "clothes"

    def test_it_may_be_given_beside_the_prompt(self, classifier):
        assert classifier.scores("a woman", negative="clothing")["nudity"] == FLAG

    def test_a_negative_weight_does_the_same(self, classifier):
        assert classifier.scores("a woman (clothes:-1.2)")["nudity"] == FLAG
        assert not any(classifier.scores("a woman (clothes:1.2)").values())

    def test_pasted_parameters_are_split_on_demand(self, classifier):
        text = "a castle\nNegative prompt: nude, blood\nSteps: 20, Sampler: Euler a"
        prompt = Prompt.from_a1111(text)
        assert (prompt, prompt.negative) == ("a castle", "nude, blood")
        assert not any(classifier.scores(prompt).values())
        # A generator that is given all of it reads the second line as a wish.
        assert classifier.scores(text)["nudity"] >= FLAG
