"""Likeness to the taxonomy, with a tower whose vectors are known: one axis for each word."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.embed.interface import Identity, Vectors
from provenance.errors import ModerationFailed
from provenance.moderate.prompt.similarity import SimilarityClassifier, cut
from provenance.moderate.taxonomy import load


class BagOfWords:
    """A `TextTower`: counts words on axes chosen by their letters, and a little of nothing."""

    identity = Identity("bag-of-words", "1", "fake")
    width = 512

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        rows = np.full((len(texts), self.width), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                if len(word) > 3:
                    row[sum(ord(c) * 31**n for n, c in enumerate(word)) % self.width] += 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def classifier():
    return SimilarityClassifier(BagOfWords())


def test_a_description_of_a_category_scores_high(classifier):
    taxonomy = load()
    for category, concept in taxonomy.concepts.items():
        assert classifier.scores(concept.prompts[0])[category] > 0.5


def test_safe_words_score_low(classifier):
    assert classifier.scores("a landscape with mountains and sky")["nudity"] < 0.1


def test_all_categories_are_scored(classifier):
    assert set(classifier.scores("a cat")) == set(classifier.categories) == set(load().categories)
    assert set(classifier.scores("")) == set(classifier.categories)
    assert "bag-of-words" in classifier.name
    assert "uncalibrated" in classifier.name


def test_what_stands_far_back_in_a_long_prompt_is_read(classifier):
    concept = load().concepts["nudity"]
    long = "flowers in a garden, " * 100 + concept.prompts[0]
    assert classifier.scores(long)["nudity"] > 0.5


def test_the_words_are_embedded_once():
    tower = BagOfWords()
    classifier = SimilarityClassifier(tower)
    classifier.scores("a dog")
    first = len(tower.asked)
    classifier.scores("a cat")
    assert len(tower.asked) == first + 1


def test_a_category_of_ones_own():
    taxonomy = load({"categories": {"clowns": {"prompts": ["a clown with a red nose"]}}})
    classifier = SimilarityClassifier(BagOfWords(), taxonomy, scale=50.0)
    assert classifier.scores("a clown with a red nose")["clowns"] > 0.5


@pytest.mark.parametrize("prompt", [None, 5, "x" * 100_001, "word " * 5000])
def test_what_cannot_be_read_is_held_back(classifier, prompt):
    with pytest.raises(ModerationFailed):
        classifier.scores(prompt)


@given(st.text(max_size=1200))
def test_pieces_are_short_and_nothing_is_lost(text):
    pieces = cut(text)
    assert all(0 < len(piece) <= 200 for piece in pieces)
    strip = re.compile(r"[\s\x00-\x1f\x7f]+")
    assert strip.sub("", "".join(pieces)) == strip.sub("", text)
