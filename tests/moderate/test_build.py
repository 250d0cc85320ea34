"""A policy's names lead to classifiers, or to a sentence; nobody takes the place of ours."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from provenance.errors import ConfigError, KeyUnusable
from provenance.moderate import build, policy_file
from provenance.moderate.interface import Action, Policy, Rule
from provenance.weights.interface import WeightsMissing
from tests import signed

MODULE = """
from provenance.errors import KeyUnusable
from provenance.testing import FixedClassifier
from provenance.weights.interface import WeightsMissing

made = []

def look(policy, argument):
    made.append((policy.name, argument))
    return FixedClassifier({"gore": 0.9}, f"acme-look/{argument or 1}")

def words(policy, argument):
    return FixedClassifier({"gore": 0.4}, "acme-words/1")

def broken(policy, argument):
    raise ZeroDivisionError("by zero")

def missing(policy, argument):
    raise WeightsMissing("acme/big", "weights of acme/big are missing; pull them")

def ours(policy, argument):
    raise KeyUnusable("the licence key has expired")
"""

ENTRIES = """
[provenance.picture_classifiers]
acme = acme_moderation:look
open-nsfw = acme_moderation:look
terms = acme_moderation:look
broken = acme_moderation:broken
missing = acme_moderation:missing
ours = acme_moderation:ours
absent = acme_no_such_module:look
nothing = acme_moderation:no_such_name

[provenance.prompt_classifiers]
acme = acme_moderation:words
terms = acme_moderation:words
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution of somebody else, installed."""
    (tmp_path / "acme_moderation.py").write_text(MODULE)
    info = tmp_path / "acme_moderation-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-moderation\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_moderation", None)


def using(*names: str, **changes) -> Policy:
    rules = {"gore": Rule({Action.FLAG: 0.5}, {Action.BLOCK: 0.6})}
    return Policy("house", rules, names, **changes)


@pytest.mark.parametrize("name", policy_file.PRESETS)
def test_every_preset_runs_with_the_default_install(name):
    built = build.moderator(policy_file.preset(name))
    assert "nudity" in built.checked
    assert built.checks_prompts


def test_terms_are_looked_for_even_if_they_are_not_named():
    found = build.classifiers(Policy("x"))
    assert list(found.prompts) == ["terms"]
    assert build.moderator(Policy("x")).checks_prompts


def test_a_classifier_of_somebody_else_is_found_by_its_name(acme):
    built = build.moderator(using("acme:17"))
    decision = built.check_picture(signed.drawing(), built.check_prompt("a hill"))
    assert decision.action is Action.FLAG
    assert {f.classifier for f in decision.findings} >= {"acme-look/17", "acme-words/1"}
    assert sys.modules["acme_moderation"].made == [("house", "17")]


def test_nothing_of_others_is_imported_unless_it_is_named(acme):
    build.moderator(policy_file.preset("standard"))
    assert "acme_moderation" not in sys.modules


def test_nobody_takes_the_place_of_ours(acme):
    found = build.classifiers(using("open-nsfw", "terms"))
    named = [c.name for c in (*found.pictures.values(), *found.prompts.values())]
    assert not any(name.startswith("acme") for name in named)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "ZeroDivisionError: by zero"),
        ("absent", "ModuleNotFoundError"),
        ("nothing", "AttributeError"),
    ],
)
def test_a_classifier_that_cannot_be_made_is_a_sentence(acme, name, words):
    with pytest.raises(ConfigError, match=words) as info:
        build.moderator(using(name, on_missing="report"))
    assert f"names the classifier '{name}'" in str(info.value)


def test_two_packages_that_offer_one_name_are_refused(acme, tmp_path):
    info = tmp_path / "other_moderation-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    entries = "[provenance.picture_classifiers]\nacme = other_moderation:look\n"
    (info / "entry_points.txt").write_text(entries)
    with pytest.raises(ConfigError, match=r"several packages offer \(acme_moderation:look, other"):
        build.moderator(using("acme"))


def test_errors_of_ours_pass_as_they_are(acme):
    with pytest.raises(KeyUnusable, match="licence key"):
        build.moderator(using("ours"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("open-nsfv", "did you mean 'open-nsfw'"), ("xyzzy", "expected one of"), ("", "expected one")],
)
def test_an_unknown_name_is_refused_even_if_missing_ones_are_not(name, words):
    for on_missing in ("refuse", "report"):
        with pytest.raises(ConfigError, match=words):
            build.moderator(using(name, on_missing=on_missing))


def test_an_argument_for_one_that_takes_none():
    with pytest.raises(ConfigError, match="takes no argument: write 'open-nsfw'"):
        build.moderator(using("open-nsfw:x"))


def test_missing_weights_refuse_or_are_reported_in_every_decision(acme):
    with pytest.raises(ConfigError, match="needs missing: weights of acme/big are missing"):
        build.moderator(using("acme", "missing"))
    built = build.moderator(using("acme", "missing", on_missing="report"))
    decision = built.check_picture(signed.drawing())
    assert decision.notes[0].startswith("missing did not run: weights of acme/big are missing")
    assert dict(build.classifiers(using("missing")).missing) == {
        "missing": "weights of acme/big are missing; pull them"
    }


def test_a_rule_that_nobody_serves_is_refused_or_reported():
    policy = using("open-nsfw")
    with pytest.raises(ConfigError, match="has rules for gore, which none of its classifiers"):
        build.moderator(policy)
    built = build.moderator(replace(policy, on_missing="report"))
    assert "gore" in built.check_picture(signed.drawing()).not_checked


def test_one_name_given_twice_runs_once(acme):
    assert len(build.classifiers(using("acme", "acme", "acme:2")).pictures) == 2


def test_missing_weights_know_their_model_and_cross_processes():
    import pickle

    error = WeightsMissing("acme/big", "the weights are missing")
    again = pickle.loads(pickle.dumps(error))
    assert (again.model, str(again)) == ("acme/big", "the weights are missing")
