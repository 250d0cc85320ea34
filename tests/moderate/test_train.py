"""A head is trained, and what is said of it was measured on pictures it had not seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from provenance.embed.interface import Identity
from provenance.errors import InputError
from provenance.moderate.heads import Head, HeadClassifier
from provenance.moderate.samples import Looks, Sample
from provenance.moderate.train import Examples, train
from tests.moderate.towers import GREEN, RED, ColourTower, flat

TOWER = Identity("colour", "0" * 40, "fake")
WIDTH = 16


def examples(n: int, shift: float, seed: int, *, sources: int = 0, plain: float = 0.0) -> Examples:
    """Unit vectors around a point that is `shift` away on the first axis; no two are copies."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, WIDTH))
    rows[:, 0] += shift
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    samples = [Sample(Path(f"{k}.png"), f"s{k % sources}" if sources else "") for k in range(n)]
    looks = [Looks(rng.bytes(32), rng.standard_normal(6) + plain) for _ in range(n)]
    return Examples(samples, rows.astype(np.float32), looks)


def test_a_difference_is_found_and_its_size_is_right():
    """With the true direction the AUC would be Phi(2 / sqrt 2) = 0.92; a learnt one has less."""
    card = train("x", TOWER, examples(150, 2.0, 1), examples(150, 0.0, 2)).card
    low, high = card["cross_validation"]["auc_interval95"]
    assert 0.75 < low < card["cross_validation"]["auc"] < 0.95
    assert high < 0.97
    assert card["trivial_baseline"]["auc"] < low
    assert card["notes"] == []


def test_where_there_is_nothing_to_learn_it_says_so():
    card = train("x", TOWER, examples(40, 0.0, 3), examples(40, 0.0, 4)).card
    assert 0.2 < card["cross_validation"]["auc"] < 0.8
    assert any("cannot be told from guessing" in note for note in card["notes"])


def test_folders_that_differ_in_size_are_noticed():
    card = train("x", TOWER, examples(60, 1.5, 5, plain=4.0), examples(60, 0.0, 6)).card
    assert card["trivial_baseline"]["auc"] > 0.95
    assert any("differ in more than the category" in note for note in card["notes"])


def test_copies_stay_together():
    """Every picture twelve times, at random labels: memory would give an AUC of 1."""
    halves = []
    for seed in (8, 9):
        once = examples(6, 0.0, seed)
        halves.append(
            Examples(
                [s for s in once.samples for _ in range(12)],
                np.repeat(once.vectors, 12, axis=0),
                [look for look in once.looks for _ in range(12)],
            )
        )
    card = train("x", TOWER, *halves).card
    assert card["positive"] == {"pictures": 72, "independent": 6}
    assert card["cross_validation"]["auc"] < 0.9
    low, high = card["cross_validation"]["auc_interval95"]
    assert high - low > 0.3


def test_a_source_folder_counts_once():
    card = train("x", TOWER, examples(40, 2, 1, sources=8), examples(50, 0, 2, sources=5)).card
    assert card["positive"]["independent"] == 8
    assert card["negative"]["independent"] == 5
    assert any("takes at least 149" in note for note in card["notes"])


def test_pictures_on_both_sides_are_counted():
    positive, negative = examples(30, 2, 1), examples(30, 0, 2)
    looks = [*positive.looks[:3], *negative.looks[3:]]
    shared = Examples(negative.samples, negative.vectors, looks)
    notes = train("x", TOWER, positive, shared).card["notes"]
    assert any(note.startswith("3 pictures or sources are in both folders") for note in notes)


@pytest.mark.parametrize(("positive", "negative"), [(4, 50), (50, 4), (1, 1)])
def test_too_few_are_refused(positive, negative):
    with pytest.raises(InputError, match=f"{positive} different positive and {negative}"):
        train("x", TOWER, examples(positive, 2, 1), examples(negative, 0, 2))


@pytest.mark.parametrize("category", ["", "Clowns", "a b", "../x"])
def test_names_that_are_none(category):
    with pytest.raises(InputError, match="lower-case letters"):
        train(category, TOWER, examples(9, 2, 1), examples(9, 0, 2))


def test_nobody_may_collect_some_pictures():
    with pytest.raises(InputError, match="nobody may keep"):
        train("sexual-minors", TOWER, examples(9, 2, 1), examples(9, 0, 2))


def test_the_file_is_a_head_for_this_tower(tmp_path):
    tower = ColourTower()
    red = tower.embed_pictures([flat((200 + n, n, 2 * n)) for n in range(20)])
    green = tower.embed_pictures([flat((n, 200 + n, 2 * n)) for n in range(20)])
    looks = examples(40, 0, 1).looks
    samples = [Sample(Path(f"{n}.png")) for n in range(20)]
    made = train(
        "clowns", TOWER, Examples(samples, red, looks[:20]), Examples(samples, green, looks[20:])
    )
    (tmp_path / "clowns.npz").write_bytes(made.data)
    head = Head.load(tmp_path / "clowns.npz")
    assert head.card == json.loads(json.dumps(made.card))
    classifier = HeadClassifier(head, tower)
    assert classifier.categories == ("clowns",)
    assert classifier.scores(flat(RED))["clowns"] > 0.5 > classifier.scores(flat(GREEN))["clowns"]


def test_the_same_pictures_give_the_same_head():
    one = train("x", TOWER, examples(20, 2, 1), examples(20, 0, 2))
    again = train("x", TOWER, examples(20, 2, 1), examples(20, 0, 2))
    assert one.data == again.data
