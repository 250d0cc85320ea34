"""Ours is complete and clean; tables of others add to it, and hostile ones are one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ConfigError
from provenance.moderate.interface import CATEGORIES
from provenance.moderate.taxonomy import load

CLOWNS = '[categories.clowns]\nprompts = ["a clown"]\n'


def test_ours_covers_every_category_and_no_other():
    assert set(load().categories) == set(CATEGORIES)


def test_every_category_has_prompts_and_look_alikes_of_its_own():
    taxonomy = load()
    shared = set.intersection(*(set(c.rivals) for c in taxonomy.concepts.values()))
    assert len(shared) >= 28
    for concept in taxonomy.concepts.values():
        assert len(concept.prompts) >= 5
        assert len(set(concept.rivals) - shared) >= 8
        assert not set(concept.prompts) & set(concept.rivals)


def test_no_text_combines_minors_with_anything():
    """The composed category has two parts, and neither holds a word of the other."""
    taxonomy = load()
    sexual, minor = taxonomy.composed["sexual-minors"]
    assert sexual == taxonomy.concepts["sexual"]
    words = {"sex", "sexual", "naked", "nude", "porn", "pornography", "erotic", "bare", "explicit"}
    for text in minor.prompts:
        assert not words & set(text.split())
    young = {"child", "children", "minor", "baby", "toddler", "boy", "girl", "teenager", "young"}
    for text in (*sexual.prompts, *taxonomy.concepts["nudity"].prompts):
        assert not young & set(text.split())


def test_two_lines_make_a_category(tmp_path):
    (tmp_path / "mine.toml").write_text(CLOWNS)
    taxonomy = load(tmp_path / "mine.toml")
    assert taxonomy.concepts["clowns"].prompts == ("a clown",)
    assert set(taxonomy.concepts["clowns"].rivals) >= {"a dog", "a cat"}
    assert set(taxonomy.categories) == {*CATEGORIES, "clowns"}
    assert taxonomy.version != load().version


def test_a_table_under_our_name_adds():
    ours = load().concepts["weapons"]
    mine = load({"categories": {"weapons": {"look_alikes": ["a nail gun"]}}}).concepts["weapons"]
    assert mine.prompts == ours.prompts
    assert set(mine.rivals) == {*ours.rivals, "a nail gun"}
    assert mine.digest != ours.digest


def test_safe_prompts_of_ones_own_are_shared():
    taxonomy = load({"safe": ["a circuit board"]})
    assert all("a circuit board" in c.rivals for c in taxonomy.concepts.values())


def test_nothing_softens_the_composed_category():
    extra = {"safe": ["anything"], "categories": {"sexual": {"look_alikes": ["everything"]}}}
    assert load(extra).composed == load().composed


def test_the_same_words_give_the_same_object():
    assert load() is load()
    assert load({"safe": ["x"]}) is load({"safe": ["x"]})


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"categoris": {}}, "expected tables such as"),
        ({"categories": []}, "no table"),
        ({"categories": {"Clowns": {"prompts": ["x"]}}}, "lower-case letters"),
        ({"categories": {"x" * 65: {"prompts": ["x"]}}}, "lower-case letters"),
        ({"categories": {"clowns": {}}}, "something else than prompts"),
        ({"categories": {"clowns": {"prompt": ["x"]}}}, "something else than prompts"),
        ({"categories": {"clowns": "a clown"}}, "something else than prompts"),
        ({"categories": {"clowns": {"prompts": []}}}, "no prompts"),
        ({"categories": {"clowns": {"look_alikes": ["x"]}}}, "no prompts"),
        ({"categories": {"clowns": {"prompts": "a clown"}}}, "no list"),
        ({"categories": {"clowns": {"prompts": [""]}}}, "1 to 200 characters"),
        ({"categories": {"clowns": {"prompts": [3]}}}, "1 to 200 characters"),
        ({"categories": {"clowns": {"prompts": ["a\nb"]}}}, "on one line"),
        ({"categories": {"clowns": {"prompts": ["x" * 201]}}}, "1 to 200 characters"),
        ({"categories": {"clowns": {"prompts": ["x"] * 201}}}, "no list of at most"),
        ({"categories": {"clowns": {"prompts": ["x"], "look_alikes": ["x"]}}}, "remove one"),
        ({"categories": {"sexual-minors": {"prompts": ["x"]}}}, "composed .* fixed"),
        ({"safe": "x"}, "no list"),
        ({"categories": {"clowns": {"prompts": [{1, 2}]}}}, "neither text"),
    ],
)
def test_what_we_do_not_understand_is_refused(extra, says):
    with pytest.raises(ConfigError, match=says) as info:
        load(extra)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[categories", b"\0", b"x = 2020-01-01"])
def test_files_that_are_no_taxonomy(tmp_path, data):
    (tmp_path / "x.toml").write_bytes(data)
    with pytest.raises(ConfigError):
        load(tmp_path / "x.toml")


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")


_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["categories", "safe", "x"]), _junk))
def test_hostile_tables_are_read_or_refused(extra):
    try:
        taxonomy = load(extra)
    except ConfigError:
        return
    assert set(taxonomy.categories) >= set(CATEGORIES)
