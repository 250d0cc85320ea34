"""`provenance moderate`: scores for operators, thresholds with a promise, heads with a card."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from provenance.moderate import on_tower
from provenance.moderate.calibration import Calibration
from provenance.moderate.embedder import Embedder
from provenance.moderate.heads import Head
from provenance.moderate.interface import CATEGORIES
from tests.moderate.towers import GREEN, RED, ColourTower, textured


@pytest.fixture
def moderate(cli) -> Callable:
    """Call `provenance moderate`."""
    return partial(cli, "moderate")


@pytest.fixture
def tower(monkeypatch, tmp_path) -> ColourTower:
    """The model named `colour` is a fake; every other name is looked for as usual."""
    fake, found = ColourTower(("naked", "clown", "child")), on_tower._tower
    monkeypatch.setattr(on_tower, "_tower", lambda n: fake if n == "colour" else found(n))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    on_tower.embedder.cache_clear()
    yield fake
    on_tower.embedder.cache_clear()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """150 green ones that are safe, 12 red ones of two categories."""
    top = tmp_path_factory.mktemp("pictures")
    for n in range(150):
        path = top / "safe" / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        textured(GREEN, n).to_pil().save(path)
    for n in range(12):
        path = top / "unsafe" / ("nudity", "gore")[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        textured(RED, 500 + n).to_pil().save(path)
    return top


# check


def test_check_shows_scores_and_what_nobody_looked_at(moderate, photo):
    result = moderate("check", photo)
    assert result.code == 0
    assert "nudity  0." in result.out
    assert "not checked: " in result.out
    assert "gore" in result.out


def test_check_in_json(moderate, photo):
    (said,) = moderate("check", photo, "--json").lines
    assert said["name"] == str(photo)
    assert said["action"] == "allow"
    assert set(said["not_checked"]) == set(CATEGORIES) - {"nudity"}


def test_check_of_a_prompt_alone(moderate):
    result = moderate("check", "--prompt", "a lighthouse at dusk", "--json")
    assert result.code == 0
    assert result.lines[0]["name"] == "prompt"
    assert "lighthouse" not in result.out


def test_a_blocked_picture_is_an_answer(moderate, photo, tmp_path):
    strict = '[moderation]\npolicy = "strict.toml"\n'
    (tmp_path / "strict.toml").write_text("schema = 1\n[categories.nudity]\nblock = 0.0\n")
    (tmp_path / "provenance.toml").write_text(strict)
    result = moderate("check", photo, "--config", tmp_path / "provenance.toml")
    assert result.code == 1
    assert "block\n  nudity  0." in result.out
    (said,) = moderate("check", photo, "--json", "--config", tmp_path / "provenance.toml").lines
    assert said["error"]["category"] == "nudity"


def test_bad_files_do_not_stop_the_others(moderate, photo, tmp_path):
    (tmp_path / "bad.png").write_text("hello")
    result = moderate("check", tmp_path / "bad.png", photo)
    assert result.code == 2
    assert result.is_one_sentence()
    assert "nudity" in result.out


def test_check_without_anything(moderate):
    result = moderate("check")
    assert result.code == 2
    assert "nothing to check" in result.err


def test_check_without_a_configuration(moderate, photo, monkeypatch):
    monkeypatch.delenv("PROVENANCE_CONFIG")
    assert moderate("check", photo).code == 0


# fit


def test_fit_with_the_embedded_classifier(moderate, pictures):
    result = moderate("fit", "--safe", pictures / "safe", "--max-safe-flagged", "2%")
    assert result.code == 0
    assert "flags 0 of 150 safe pictures, below 1.98 % with 95 % confidence" in result.out
    assert "what it finds is unknown" in result.out
    lines = result.out.split("for your policy:")[1]
    assert 0 <= tomllib.loads(lines)["categories"]["nudity"]["flag"] <= 1


def test_fit_says_when_there_are_too_few(moderate, pictures):
    few = ("fit", "--safe", pictures / "unsafe", "--max-safe-flagged", "2%")
    result = moderate(*few)
    assert result.code == 1
    assert "12 different safe pictures are too few" in result.out
    assert "at least 149" in result.out
    (said,) = moderate(*few, "--json").lines
    assert (said["threshold"], said["safe"], said["safe_needed"]) == (None, 12, 149)


def test_fit_on_a_tower_writes_a_calibration(moderate, pictures, tower, tmp_path):
    arguments = (
        *("fit", "--classifier", "zero-shot:colour", "--max-safe-flagged", "2%"),
        *("--safe", pictures / "safe", "--unsafe", pictures / "unsafe"),
    )
    rows = {r["category"]: r for r in moderate(*arguments, "--json").lines}
    assert set(rows) == set(CATEGORIES) - {"sexual-minors"}
    assert rows["nudity"]["unsafe"] == 6
    assert rows["nudity"]["recall"]["share"] == 1.0
    assert rows["weapons"]["recall"] is None
    assert "uncalibrated" in rows["nudity"]["classifier"]
    target = tmp_path / "c.json"
    only = (*arguments, "--category", "nudity", "--calibration", target, "--json")
    (row,) = moderate(*only).lines
    assert row["unsafe"] == 12
    assert set(Calibration.load(target).curves) == {"nudity"}
    again = moderate(*only)
    assert again.code == 2
    assert "exists already" in again.err
    again = (*arguments, "--category", "nudity", "--json")
    named = [f"zero-shot:colour@{target}" if a == "zero-shot:colour" else a for a in again]
    (row,) = moderate(*named).lines
    assert "calibrated for nudity" in row["classifier"]


def test_fit_in_words_names_what_it_leaves_out(moderate, pictures, tower):
    result = moderate(
        *("fit", "--classifier", "zero-shot:colour", "--max-safe-flagged", "2%"),
        *("--safe", pictures / "safe"),
    )
    assert result.code == 0
    assert "each bound is for its category alone" in result.err
    assert "not fitted: sexual-minors" in result.err
    assert "sexual-minors" not in result.out
    alone = moderate(
        *("fit", "--classifier", "zero-shot:colour", "--category", "sexual-minors"),
        *("--safe", pictures / "safe", "--max-safe-flagged", "2%"),
    )
    assert alone.code == 2
    assert "no policy can move it" in alone.err


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--max-safe-flagged", "2"), "expected 2% or 0.02"),
        (("--category", "gore"), "does not score gore"),
        (("--safe", "nowhere"), "is no folder"),
        (("--unsafe", "nowhere"), "is no folder"),
        (("--classifier", "open-nfsw"), "did you mean"),
        (("--classifier", "zero-shot"), "without a model"),
        (("--classifier", "terms"), "scores prompts"),
        (("--classifier", "head:x.npz"), "expected head:FILE@MODEL"),
        (("--classifier", "head:x.npz@colour"), "cannot be read"),
        (("--classifier", "zero-shot:colour@nothing.json"), "full path"),
        (("--calibration", "c.json"), "cannot be calibrated"),
    ],
)
def test_fit_refuses_in_one_sentence(moderate, pictures, tower, changed, says):
    given = {"--safe": pictures / "safe", "--max-safe-flagged": "2%", **dict([changed])}
    result = moderate("fit", *(part for pair in given.items() for part in pair))
    assert result.code == 2
    assert says in result.err
    assert result.is_one_sentence()


# train


def train(pictures: Path, target: Path, *more: str) -> tuple:
    return (
        *("train", "--category", "clowns", "--tower", "colour", "-o", target),
        *("--positive", pictures / "unsafe" / "gore", "--negative", pictures / "safe", *more),
    )


def test_a_head_is_trained_and_then_fitted(moderate, pictures, tower, tmp_path):
    target = tmp_path / "clowns.npz"
    result = moderate(*train(pictures, target))
    assert result.code == 0
    assert "held out: AUC 1.000 (95 % interval 0.833 to 1.000)" in result.out
    assert "note: size, colours and contrast alone reach" in result.err
    card = json.loads((tmp_path / "clowns.json").read_text())
    assert card["positive"] == {"pictures": 6, "independent": 6}
    assert Head.load(target, card["sha256"]).tower == tower.identity
    (row,) = moderate(
        *("fit", "--classifier", f"head:{target}@colour", "--max-safe-flagged", "2%", "--json"),
        *("--safe", pictures / "safe", "--unsafe", pictures / "unsafe" / "nudity"),
    ).lines
    assert (row["category"], row["unsafe_found"], row["unsafe"]) == ("clowns", 6, 6)
    assert moderate(*train(pictures, target)).code == 2
    assert moderate(*train(pictures, target, "--overwrite", "--json")).lines[0]["sha256"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--category", "sexual-minors"), "nobody may keep"),
        (("--category", "A b"), "lower-case"),
        (("-o", "head.pt"), "ends in .npz"),
        (("--tower", "colur"), "colur"),
    ],
)
def test_train_refuses_in_one_sentence(moderate, pictures, tower, tmp_path, changed, says):
    result = moderate(*train(pictures, tmp_path / "h.npz"), *changed)
    assert result.code == 2
    assert says in result.err
    assert result.is_one_sentence()


def test_too_few_examples(moderate, pictures, tower, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    textured(RED, 1).to_pil().save(few / "a.png")
    result = moderate(*train(pictures, tmp_path / "h.npz", "--positive", few))
    assert result.code == 2
    assert "1 different positive" in result.err


def test_one_tower_for_all_who_name_it(tower):
    assert on_tower.embedder("colour") is on_tower.embedder("colour")
    assert isinstance(on_tower.embedder("colour"), Embedder)
