"""Names in policies lead to classifiers, and those of one model share its embeddings."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from provenance.errors import ConfigError
from provenance.moderate import on_tower
from provenance.moderate.calibration import Calibration, Curve
from provenance.moderate.heads import to_npz
from provenance.moderate.interface import CATEGORIES, Policy
from provenance.moderate.taxonomy import load
from tests.moderate.towers import RED, ColourTower, flat

HOUSE = Policy("house", looks={"clowns": ("a clown",)})


@pytest.fixture(autouse=True)
def tower(monkeypatch, tmp_path):
    fake = ColourTower()
    monkeypatch.setattr(on_tower, "_tower", lambda name: fake)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    on_tower.embedder.cache_clear()
    yield fake
    on_tower.embedder.cache_clear()


def test_zero_shot_scores_the_policys_own_categories():
    classifier = on_tower.zero_shot(HOUSE, "colour")
    assert set(classifier.categories) == {*CATEGORIES, "clowns"}
    assert classifier.scores(flat(RED))["clowns"] > 0.9


def test_a_policy_may_describe_our_categories_further():
    policy = Policy("house", looks={"weapons": ("a clown with a gun",)})
    assert on_tower.zero_shot(policy, "colour").scores(flat(RED))["weapons"] > 0.9


def test_a_calibration_is_named_after_the_model(tmp_path, tower):
    concept = load({"categories": {"clowns": {"prompts": ["a clown"]}}}).concepts["clowns"]
    made = Calibration(tower.identity, {"clowns": Curve(concept.digest, 9, 9, platt=(1.0, 0.0))})
    (tmp_path / "c.json").write_text(made.to_json())
    classifier = on_tower.zero_shot(HOUSE, f"colour@{tmp_path / 'c.json'}")
    assert "calibrated for clowns" in classifier.name


def test_classifiers_of_one_model_embed_a_picture_once(tmp_path, tower):
    card = {"category": "clowns", "tower": asdict(tower.identity)}
    (tmp_path / "h.npz").write_bytes(to_npz(np.ones(64, np.float32), 0.0, card))
    picture = flat(RED)
    on_tower.zero_shot(HOUSE, "colour").scores(picture)
    on_tower.head(HOUSE, f"{tmp_path / 'h.npz'}@colour").scores(picture)
    assert tower.pictures == 1


def test_texts_are_embedded_once_on_a_machine(tower, tmp_path):
    on_tower.zero_shot(HOUSE, "colour").scores(flat(RED))
    asked = len(tower.texts)
    on_tower.embedder.cache_clear()
    on_tower.zero_shot(HOUSE, "colour").scores(flat(RED))
    assert len(tower.texts) == asked > 0
    assert list((tmp_path / "cache" / "provenance" / "embeddings").glob("*.npz"))


def test_a_published_head_is_named_by_its_file(tmp_path):
    np.savez(tmp_path / "nudity.npz", weight=np.ones((1, 64)), bias=np.zeros(1))
    classifier = on_tower.head(HOUSE, f"{tmp_path / 'nudity.npz'}@colour")
    assert classifier.categories == ("nudity",)


def test_a_head_of_ours_is_held_to_its_tower(tmp_path, tower):
    card = {"category": "x", "tower": {**asdict(tower.identity), "revision": "1" * 40}}
    (tmp_path / "h.npz").write_bytes(to_npz(np.ones(64, np.float32), 0.0, card))
    with pytest.raises(ConfigError, match="was trained on colour@1111"):
        on_tower.head(HOUSE, f"{tmp_path / 'h.npz'}@colour")


@pytest.mark.parametrize("argument", ["", "colour", "x.npz@", "@colour"])
def test_heads_that_are_not_named_in_full(argument):
    with pytest.raises(ConfigError, match="expected head:FILE@MODEL"):
        on_tower.head(HOUSE, argument)


def test_nothing_is_read_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "h.npz", weight=np.ones((1, 64)), bias=np.zeros(1))
    (tmp_path / "c.json").write_text(json.dumps({}))
    with pytest.raises(ConfigError, match="full path"):
        on_tower.head(HOUSE, "h.npz@colour")
    with pytest.raises(ConfigError, match="full path"):
        on_tower.zero_shot(HOUSE, "colour@c.json")


def test_a_model_that_nobody_knows(monkeypatch):
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="nothing-such"):
        on_tower.zero_shot(HOUSE, "nothing-such")
    with pytest.raises(ConfigError, match="without a model"):
        on_tower.zero_shot(HOUSE, "")
    with pytest.raises(ConfigError, match=r"tower\.json"):
        on_tower.zero_shot(HOUSE, "/nowhere/at/all")
