"""Words against words: what is like a prompt scores high, what is like a rival does not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.calibration import Calibration, Curve, sigmoid
from provenance.moderate.embedder import Embedder
from provenance.moderate.interface import CATEGORIES
from provenance.moderate.taxonomy import load
from provenance.moderate.zero_shot import ZeroShotClassifier
from provenance.picture import Picture
from tests.moderate.towers import BLUE, GREEN, RED, ColourTower, flat

CLOWNS = load({"categories": {"clowns": {"prompts": ["a clown"]}}})


def test_every_category_gets_a_score():
    scores = ZeroShotClassifier(ColourTower()).scores(flat(RED))
    assert set(scores) == set(CATEGORIES)
    assert all(0.0 <= score <= 1.0 for score in scores.values())


def test_a_category_of_ones_own_is_found():
    classifier = ZeroShotClassifier(ColourTower(), CLOWNS)
    assert classifier.scores(flat(RED))["clowns"] > 0.95
    assert classifier.scores(flat(GREEN))["clowns"] < 0.05


def test_many_score_like_one():
    classifier = ZeroShotClassifier(ColourTower(), CLOWNS)
    pictures = [flat(RED), flat(GREEN), flat(BLUE)]
    assert classifier.scores_many(pictures) == [classifier.scores(p) for p in pictures]


def test_one_more_look_alike_never_raises_a_score_and_one_more_prompt_never_lowers_it():
    picture, tower = flat(RED), ColourTower()
    more = load({"categories": {"weapons": {"look_alikes": ["a clown with a toy"]}}})
    prompts = load({"categories": {"weapons": {"prompts": ["a clown with a gun"]}}})
    ours = ZeroShotClassifier(tower).scores(picture)["weapons"]
    assert ZeroShotClassifier(tower, more).scores(picture)["weapons"] <= ours
    assert ZeroShotClassifier(tower, prompts).scores(picture)["weapons"] >= ours


def test_the_formula_for_a_softmax_tower():
    tower, concept = ColourTower(), CLOWNS.concepts["clowns"]
    vector = tower.embed_pictures([flat(RED)])[0].astype(float)

    def summed(texts):
        means = []
        for text in texts:
            rows = tower.embed_texts([t.format(text) for t in concept.templates]).astype(float)
            mean = rows.mean(axis=0)
            means.append(mean / np.linalg.norm(mean))
        return np.exp(tower.logit_scale * np.array(means) @ vector).sum()

    mine, others = summed(concept.prompts), summed(concept.rivals)
    score = ZeroShotClassifier(tower, CLOWNS).scores(flat(RED))["clowns"]
    assert score == pytest.approx(mine / (mine + others), rel=1e-6)


def test_a_sigmoid_tower_may_say_none_of_these():
    """With a strong bias even the nearest prompt is no match, though it beats its rivals."""
    shy = ColourTower(bias=-40.0)
    assert ZeroShotClassifier(shy, CLOWNS).scores(flat(RED))["clowns"] < 0.05
    lone = ColourTower(bias=-10.0)
    vector = lone.embed_pictures([flat(RED)])[0].astype(float)
    rows = lone.embed_texts([t.format("a clown") for t in CLOWNS.concepts["clowns"].templates])
    mean = rows.astype(float).mean(axis=0)
    alone = sigmoid(float(30 * mean @ vector / np.linalg.norm(mean)) - 10)
    assert ZeroShotClassifier(lone, CLOWNS).scores(flat(RED))["clowns"] <= alone


def test_the_composed_category_needs_both_parts_in_the_same_view():
    both = ColourTower(("sexual", "child", "x"))
    yellow = flat((220, 220, 0))
    assert ZeroShotClassifier(both).scores(flat(GREEN))["sexual-minors"] < 0.5
    assert ZeroShotClassifier(both).scores(flat(RED))["sexual-minors"] < 0.5
    seen = ZeroShotClassifier(both).scores(yellow)["sexual-minors"]
    assert seen > ZeroShotClassifier(both).scores(flat(BLUE))["sexual-minors"]
    hidden = np.dstack([yellow.pixels, np.zeros((16, 16), np.uint8)])
    assert ZeroShotClassifier(both).scores(Picture.from_array(hidden))["sexual-minors"] >= seen


def test_what_transparency_hides_counts():
    pixels = np.dstack([flat(RED).pixels, np.zeros((16, 16), np.uint8)])
    scores = ZeroShotClassifier(ColourTower(), CLOWNS).scores(Picture.from_array(pixels))
    assert scores["clowns"] > 0.95


def test_words_are_embedded_once_and_each_text_once():
    tower = ColourTower()
    classifier = ZeroShotClassifier(tower)
    assert tower.texts == []
    for colour in (RED, GREEN, BLUE):
        classifier.scores(flat(colour))
    assert len(tower.texts) == len(set(tower.texts)) > 100


def test_classifiers_on_one_embedder_embed_a_picture_once():
    tower, picture = ColourTower(), flat(RED)
    shared = Embedder(tower)
    for taxonomy in (load(), CLOWNS):
        ZeroShotClassifier(shared, taxonomy).scores(picture)
    assert tower.pictures == 1


def test_scores_of_an_embedding_are_those_of_the_picture():
    tower, picture = ColourTower(), flat(RED)
    classifier = ZeroShotClassifier(tower, CLOWNS)
    rows = tower.embed_pictures([picture])
    assert classifier.scores_of(rows[0]) == classifier.scores_of(rows) == classifier.scores(picture)


def test_a_tower_that_gives_no_embeddings_of_texts_blocks():
    tower = ColourTower()
    tower.embed_texts = lambda texts: np.zeros((len(texts), 64), np.float32)
    with pytest.raises(ModerationFailed):
        ZeroShotClassifier(tower).scores(flat(RED))


def test_it_pickles():
    classifier = ZeroShotClassifier(ColourTower(), CLOWNS)
    expected = classifier.scores(flat(RED))
    assert pickle.loads(pickle.dumps(classifier)).scores(flat(RED)) == expected


# Calibration


def _calibration(tower, taxonomy=CLOWNS, **changed):
    curve = Curve(taxonomy.concepts["clowns"].digest, 10, 10, platt=(0.5, -1.0))
    return Calibration(tower.identity, {"clowns": curve, **changed})


def test_it_says_uncalibrated_until_it_is():
    tower = ColourTower()
    assert "uncalibrated" in ZeroShotClassifier(tower).name
    named = ZeroShotClassifier(tower, CLOWNS, _calibration(tower)).name
    assert "(calibrated for clowns)" in named


def test_a_calibration_is_applied_to_its_category_alone():
    tower, picture = ColourTower(), flat(RED)
    plain = ZeroShotClassifier(tower, CLOWNS)
    curved = ZeroShotClassifier(tower, CLOWNS, _calibration(tower))
    (evidence,) = plain.evidence_many([picture])
    before, after = plain.scores(picture), curved.scores(picture)
    assert after["clowns"] == pytest.approx(sigmoid(0.5 * evidence["clowns"] - 1.0))
    assert {c: s for c, s in before.items() if c != "clowns"} == {
        c: s for c, s in after.items() if c != "clowns"
    }


def test_a_calibration_for_another_tower_is_refused():
    with pytest.raises(ConfigError, match=r"was fitted for other@0000.* the tower is colour@"):
        ZeroShotClassifier(ColourTower(), CLOWNS, _calibration(ColourTower(model="other")))


def test_a_calibration_for_other_words_is_refused():
    changed = load({"categories": {"clowns": {"prompts": ["a clown", "a red nose"]}}})
    tower = ColourTower()
    with pytest.raises(ConfigError, match="other prompts"):
        ZeroShotClassifier(tower, changed, _calibration(tower))


def test_nobody_can_calibrate_the_composed_category():
    tower = ColourTower()
    curve = Curve("0" * 64, 10, 10, platt=(0.0, -9.0))
    with pytest.raises(ConfigError, match="sexual-minors"):
        ZeroShotClassifier(tower, CLOWNS, _calibration(tower, **{"sexual-minors": curve}))
