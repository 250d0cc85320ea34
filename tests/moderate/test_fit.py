"""A threshold is a promise about safe pictures, or there is none."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.codec.limits import Limits
from provenance.errors import InputError
from provenance.moderate.calibration import Calibration
from provenance.moderate.fit import fit, once, parse_share, toml_lines
from provenance.moderate.intervals import allowed, upper
from provenance.moderate.measure import (
    batches,
    calibrate,
    can_be_calibrated,
    fit_all,
    measure,
    with_category,
)
from provenance.moderate.nudity import NudityClassifier
from provenance.moderate.samples import copies, find
from provenance.moderate.taxonomy import load
from provenance.moderate.zero_shot import ZeroShotClassifier
from tests.moderate.towers import GREEN, RED, ColourTower, textured

SAFE = [n / 1000 for n in range(300)]


def test_the_threshold_keeps_the_promise_and_is_the_lowest_that_does():
    found = fit("x", SAFE, [0.1, 0.5, 0.9], 0.02)
    assert found.threshold is not None
    may = allowed(300, 0.02)
    assert found.flagged == may == 1
    assert found.upper == upper(1, 300) <= 0.02
    assert found.threshold > sorted(SAFE)[-1 - may]
    assert found.threshold - sorted(SAFE)[-1 - may] <= 2e-4
    assert (found.found, found.unsafe) == (2, 3)
    low, high = found.recall
    assert low < 2 / 3 < high


@pytest.mark.parametrize("n", [0, 1, 100, 148])
def test_too_few_safe_pictures_give_no_threshold(n):
    found = fit("x", SAFE[:n], [0.9], 0.02)
    assert found.threshold is None
    assert f"{n} different safe pictures are too few to promise 2 %" in found.problem
    assert "at least 149, none of them flagged" in found.problem
    assert found.needed == 149


def test_one_more_is_enough():
    assert fit("x", SAFE[:149], [], 0.02).threshold is not None


def test_scores_as_high_as_can_be_give_no_threshold():
    found = fit("x", [1.0] * 10 + [0.0] * 290, [1.0], 0.02)
    assert found.threshold is None
    assert "no threshold spares them" in found.problem


def test_ties_are_never_split_in_favour_of_the_bound():
    found = fit("x", [0.5] * 300, [0.5, 0.6], 0.02)
    assert (found.flagged, found.found) == (0, 1)


@given(
    st.lists(st.floats(0, 1), min_size=149, max_size=400),
    st.lists(st.floats(0, 1), max_size=20),
    st.sampled_from([0.02, 0.05, 0.1]),
)
def test_whatever_the_scores_the_count_keeps_the_bound(safe, unsafe, bound):
    found = fit("x", safe, unsafe, bound)
    if found.threshold is None:
        assert found.problem
        return
    assert found.flagged == sum(s >= found.threshold for s in safe)
    assert found.upper <= bound
    assert 0 <= found.threshold <= 1
    assert round(found.threshold, 4) == found.threshold


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_broken_scores_are_refused(score):
    with pytest.raises(InputError, match="not in 0 to 1"):
        fit("x", [*SAFE, score], [], 0.02)


def test_the_promise_holds_on_pictures_never_seen():
    """In 300 repetitions the true share is over the bound in about 5 of 100."""
    rng = np.random.default_rng(11)
    broken = 0
    for _ in range(300):
        found = fit("x", rng.beta(1, 20, 200).tolist(), [], 0.05)
        fresh = rng.beta(1, 20, 20_000)
        broken += (fresh >= found.threshold).mean() > 0.05
    assert broken <= 0.09 * 300


def test_copies_count_once():
    assert once([0.1, 0.9, 0.5], [0, 0, 2], highest=True) == [0.9, 0.5]
    assert once([0.1, 0.9, 0.5], [0, 0, 2], highest=False) == [0.1, 0.5]


def test_the_lines_are_toml():
    fits = [fit("nudity", SAFE, [0.5], 0.02), fit("gore", SAFE[:9], [], 0.02)]
    lines = toml_lines(fits)
    assert tomllib.loads(lines) == {"categories": {"nudity": {"flag": fits[0].threshold}}}
    assert "flags 1 of 300 safe pictures" in lines
    assert "finds 1 of 1" in lines


@pytest.mark.parametrize(
    ("text", "share"), [("2%", 0.02), ("2 %", 0.02), ("0.02", 0.02), (" .5% ", 0.005)]
)
def test_shares(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "2", "0", "0%", "100%", "-1%", "nan", "two", "1e400"])
def test_what_is_no_share(text):
    with pytest.raises(InputError, match=r"expected 2% or 0.02"):
        parse_share(text)


# On pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """160 green pictures, 3 of them twice; 20 red ones in a folder named for a category."""
    top = tmp_path_factory.mktemp("pictures")
    (top / "safe").mkdir()
    (top / "unsafe" / "clowns").mkdir(parents=True)
    for n in range(160):
        textured(GREEN, n).to_pil().save(top / "safe" / f"{n:03}.png")
    for n in range(3):
        textured(GREEN, n).to_pil().save(top / "safe" / f"copy{n}.jpg", quality=90)
    (top / "safe" / "broken.png").write_bytes(b"no picture")
    for n in range(20):
        textured(RED, 1000 + n).to_pil().save(top / "unsafe" / "clowns" / f"{n:03}.png")
    return top


CLOWNS = load({"categories": {"clowns": {"prompts": ["a clown"]}}})


def _measured(classifier, folder):
    skipped = []
    found = [
        each
        for batch in batches(find(folder))
        for each in measure(classifier, batch, Limits(), lambda s, e: skipped.append(s.path.name))
    ]
    return found, skipped


def test_a_zero_shot_classifier_from_folders_to_a_threshold(folder):
    tower = ColourTower()
    classifier = ZeroShotClassifier(tower, CLOWNS)
    safe, skipped = _measured(classifier, folder / "safe")
    unsafe, _ = _measured(classifier, folder / "unsafe")
    assert skipped == ["broken.png"]
    assert tower.pictures == 163 + 20
    by_name = with_category(unsafe, classifier.categories, None)
    fits = {f.category: f for f in fit_all(classifier.categories, safe, by_name, 0.02)}
    assert "sexual-minors" not in fits
    assert fits["clowns"].safe == 160
    assert (fits["clowns"].found, fits["clowns"].unsafe) == (20, 20)
    assert fits["gore"].recall is None


def test_a_calibration_from_the_same_folders(folder, tmp_path):
    classifier = ZeroShotClassifier(ColourTower(), CLOWNS)
    safe, _ = _measured(classifier, folder / "safe")
    unsafe, _ = _measured(classifier, folder / "unsafe")
    by_name = {"clowns": unsafe}
    made = calibrate(classifier, safe, by_name)
    (tmp_path / "c.json").write_text(made.to_json())
    curved = ZeroShotClassifier(ColourTower(), CLOWNS, Calibration.load(tmp_path / "c.json"))
    (found,) = [f for f in fit_all(["clowns"], safe, by_name, 0.02, made) if f.category == "clowns"]
    scores = [curved.scores(textured(RED, 1000 + n))["clowns"] for n in range(20)]
    assert sum(s >= found.threshold for s in scores) == found.found == 20
    with pytest.raises(InputError, match="no unsafe pictures"):
        calibrate(classifier, safe, {})


def test_the_embedded_classifier_needs_no_tower(folder):
    classifier = NudityClassifier()
    assert not can_be_calibrated(classifier)
    found = measure(classifier, find(folder / "unsafe")[:3], Limits(), lambda s, e: None)
    assert [sorted(each.scores) for each in found] == [["nudity"]] * 3
    (result,) = fit_all(classifier.categories, found, {"nudity": found}, 0.02)
    assert result.threshold is None
    assert "3 different safe pictures are too few" in result.problem


def test_folders_of_unsafe_pictures_have_names_of_categories(folder):
    found = measure(
        ZeroShotClassifier(ColourTower(), CLOWNS),
        find(folder / "safe")[:2],
        Limits(),
        lambda s, e: None,
    )
    with pytest.raises(InputError, match="named like a category"):
        with_category(found, ("clowns", "gore"), None)
    assert with_category(found, ("clowns", "gore"), "gore") == {"gore": found}
    assert with_category(found, ("clowns",), None) == {"clowns": found}


def test_folders_that_are_none(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        find(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="holds no picture"):
        find(tmp_path)


def test_links_are_not_followed(tmp_path, folder):
    (tmp_path / "a.png").symlink_to(folder / "safe" / "000.png")
    with pytest.raises(InputError, match="holds no picture"):
        find(tmp_path)


def test_copies_are_found_and_plain_pictures_are_none():
    assert copies([None, None]) == [0, 1]
    one = bytes(32)
    assert copies([one, None, one, b"\xff" * 32]) == [0, 1, 0, 3]
    assert copies([]) == []
