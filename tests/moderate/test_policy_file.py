"""A policy file means what it says, or is refused with one sentence."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ConfigError
from provenance.moderate import policy_file
from provenance.moderate.interface import CATEGORIES, Action, Policy, Rule
from provenance.moderate.policy_file import PRESETS, differences, load, parse, preset, text_of
from tests.conftest import ROOT


def read(text: str) -> Policy:
    return parse(text, "my.toml", "my")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as info:
        read(text)
    return str(info.value)


# Presets


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_obeyed_and_has_a_name_and_a_digest(name):
    policy = preset(name)
    assert policy.name == name
    assert load(name) is policy
    assert re.fullmatch(rf"{name}@[0-9a-f]{{64}}", str(policy))
    assert set(policy.rules) <= set(CATEGORIES)


def test_presets_differ_from_each_other():
    assert len({preset(name).digest for name in PRESETS}) == len(PRESETS)


def test_strict_is_nowhere_milder_than_standard():
    standard, strict = preset("standard"), preset("strict")
    for category, rule in standard.rules.items():
        for stage in ("prompt", "picture"):
            for action, threshold in rule.at(stage).items():
                ladder = strict.rules[category].at(stage).items()
                harder = [t for a, t in ladder if a.rank >= action.rank]
                assert min(harder) <= threshold


@pytest.mark.parametrize("name", PRESETS)
def test_the_text_to_start_from_does_the_same(name):
    again = parse(text_of(name), "copy.toml", "copy")
    assert (again.digest, again.name) == (preset(name).digest, name)
    assert differences(again, preset(name)) == ()


def test_no_text_of_an_unknown_preset():
    with pytest.raises(ConfigError, match="did you mean 'strict'"):
        text_of("stict")


# What a file says


def test_an_empty_file_is_the_standard_policy_under_its_own_name(tmp_path):
    path = tmp_path / "house.toml"
    path.write_text("")
    policy = load(path)
    assert (policy.name, policy.digest) == ("house", preset("standard").digest)


@pytest.mark.parametrize("name", ["preset", "preset 'standard'"])
def test_no_name_of_a_file_makes_it_start_from_nothing(tmp_path, name):
    path = tmp_path / name
    path.write_text("")
    assert load(path).digest == preset("standard").digest
    assert parse("", "preset x", "x").digest == preset("standard").digest


def test_what_is_not_said_is_as_in_the_preset():
    policy = read('preset = "art"\n[categories.gore]\nblock = 0.6\n')
    art = preset("art")
    assert policy.rules["nudity"] == art.rules["nudity"]
    assert policy.rules["gore"] == Rule({Action.BLOCK: 0.6}, art.rules["gore"].prompt)
    assert policy.classifiers == art.classifiers


def test_actions_of_a_stage_replace_those_of_the_preset():
    policy = read("[categories.nudity]\nblur = 0.6\n")
    assert policy.rules["nudity"].picture == {Action.BLUR: 0.6}
    assert policy.rules["nudity"].prompt == preset("standard").rules["nudity"].prompt


def test_a_category_of_ones_own_takes_two_lines():
    policy = read('[categories.clowns]\nlooks = ["a clown"]\n')
    assert policy.looks == {"clowns": ("a clown",)}
    assert policy.rules["clowns"] == Rule({Action.FLAG: policy_file.OWN_FLAG})


def test_thresholds_that_were_measured_have_names():
    text = '[categories.nudity]\nflag = "measured-flag"\nblock = "measured-block"\n'
    policy = read(text + 'on_prompt = { block = "measured-block" }\n')
    ladder = policy.rules["nudity"].picture
    assert ladder == preset("standard").rules["nudity"].picture
    assert 0 < ladder[Action.FLAG] < ladder[Action.BLOCK] < 1
    assert list(policy.rules["nudity"].prompt) == [Action.BLOCK]


def test_nothing_was_measured_for_gore_in_pictures():
    message = refusal('[categories.gore]\nblock = "measured-block"\n')
    assert message == (
        "my.toml has block = 'measured-block' for gore in the picture; "
        "expected a number from 0 to 1"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('presett = "art"', "has 'presett'; did you mean 'preset'?"),
        ("timeouts = 3", "did you mean 'timeout_s'?"),
        ("[categories.nudity]\nblok = 0.3", "has 'blok' in [categories.nudity]; did you mean"),
        ("[categories.nudity]\non_promt = {}", "did you mean 'on_prompt'?"),
        ("[categories.nudity]\non_prompt = { flg = 0.1 }", "in on_prompt of nudity; did you mean"),
        ("[categories.nudty]\nblock = 0.3", "did you mean 'nudity'?"),
        ("[categories.clowns]\nblock = 0.3", 'looks = ["a description"]'),
        ('preset = "artt"', "did you mean 'art'?"),
        ("preset = 3", "starts from preset = 3; expected one of standard"),
        ("schema = 2", "has schema 2; this version reads schema 1"),
        ("name = ''", "expected a name without @"),
        ("name = 'a@b'", "expected a name without @"),
        ("name = 3", "expected a name without @"),
        ("attempts = true", "attempts = True; expected int"),
        ("attempts = 1.5", "expected int"),
        ("attempts = 21", "expected 0 to 20"),
        ("timeout_s = '1'", "expected int or float"),
        ("risky_prompt = -1", "expected 0 to 10 logits"),
        ("risky_prompt = nan", "expected 0 to 10 logits"),
        ("on_missing = 'ignore'", "expected 'refuse' or 'report'"),
        ("classifiers = 'open-nsfw'", "expected list"),
        ("classifiers = [1]", "expected a list of texts"),
        ("categories = 3", "expected tables like [categories.nudity]"),
        ("[categories]\nnudity = 0.3", "expected a table"),
        ("[categories.nudity]\nlooks = 'a'", "expected a list of texts"),
        ("[categories.nudity]\nlooks = ['']", "expected a list of texts"),
        ("[categories.nudity]\nblock = '0.3'", "or one of measured-flag, measured-block"),
        ("[categories.nudity]\nblock = true", "expected a number from 0 to 1"),
        ("[categories.nudity]\nblock = 80", "expected a number from 0 to 1"),
        ("[categories.nudity]\nblock = nan", "expected a number from 0 to 1"),
        ("[categories.nudity]\nflag = 0.8\nblock = 0.5", "flag would never be taken"),
        ("[categories.nudity]\nflag = 0.5\nblock = 0.5", "flag would never be taken"),
        ("[categories.nudity]\non_prompt = { blur = 0.5 }", "cannot be met with blur"),
        ("[categories.nudity]\non_prompt = 0.5", "expected { block = 0.9 }"),
        ("[categories.sexual-minors]\nflag = 0.1", "no policy can soften this category"),
        ("[categories.sexual-minors]\nblock = 0.6", "no policy can soften this category"),
        ("[categories.sexual-minors]\non_prompt = { block = 1.0 }", "can soften"),
        ("a = ", "is not valid TOML"),
        ("a = " + "[" * 9999, "beyond what can be read"),
        ("attempts = 1" + "0" * 5000, "beyond what can be read"),
        ("timeout_s = 0x1" + "0" * 9999, "beyond what can be read"),
        ("[categories.nudity]\nblock = 0x1" + "0" * 9999, "beyond what can be read"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_one_sentence(text, words):
    message = refusal(text)
    assert words in message
    assert "my.toml" in message or "policy 'my'" in message


def test_a_softer_floor_is_refused_even_if_it_comes_from_a_description():
    assert "no policy can soften" in refusal('[categories.sexual-minors]\nlooks = ["a"]\n')


def test_a_policy_may_lower_the_floor():
    policy = read("[categories.sexual-minors]\nblock = 0.1\n")
    assert policy.rules["sexual-minors"].picture == {Action.BLOCK: 0.1}


# Files


def test_files_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    for name, words in (
        ("none.toml", "none.toml"),
        ("pipe", "pipe"),
        (".", "folder"),
        ("large", "more than 1,048,576 bytes"),
        ("a\0b", "a"),
    ):
        with pytest.raises(ConfigError, match=r"^policy ") as info:
            load(f"{tmp_path}/{name}")
        assert words in str(info.value)


def test_a_misspelt_preset_is_guessed():
    with pytest.raises(ConfigError, match="did you mean 'standard'"):
        load("standart")


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(path)


def test_the_examples_of_the_documentation_can_be_obeyed():
    text = (ROOT / "docs" / "moderation.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    policies = [read(example) for example in examples]
    assert len(policies) == 2
    assert "clowns" in policies[-1].rules


# Digests


def test_the_digest_counts_what_is_done_and_neither_name_nor_order():
    one = read('name = "a"\nrisky_prompt = 1\n[categories.gore]\nblur = 0.1\nblock = 1\n')
    two = read('name = "b"\nrisky_prompt = 1.0\n[categories.gore]\nblock = 1.0\nblur = 0.1\n')
    assert one.digest == two.digest
    assert read("attempts = 3").digest != read("").digest
    assert read('classifiers = ["open-nsfw"]').digest != read("").digest


def test_a_digest_is_the_same_in_every_release():
    """If this fails, old log entries name a policy that nobody can find again."""
    policy = Policy(
        "pinned", {"nudity": Rule({Action.BLOCK: 0.5}, {Action.FLAG: 0.25})}, ("open-nsfw",)
    )
    assert policy.digest == PINNED


PINNED = "909a6f72cb6f274591b56c0885995a9ad5d6a6f96734dcade3c201569433a71c"


# Differences


def test_differences_are_told_in_words():
    before = read("")
    after = read(
        "attempts = 5\nclassifiers = []\n[categories.nudity]\nblur = 0.25\n"
        '[categories.clowns]\nlooks = ["a clown"]\n'
    )
    found = differences(before, after)
    assert "attempts: 2 -> 5" in found
    assert "nudity, picture: blur never -> from 0.25" in found
    assert "clowns, picture: flag never -> from 0.5" in found
    assert "clowns: described otherwise" in found
    assert any(said.startswith("classifiers: ") and said.endswith("-> none") for said in found)
    assert differences(before, Policy("x", before.rules, before.classifiers)) == ()


# Anything at all

words = st.sampled_from(
    [
        *CATEGORIES,
        *(a.value for a in Action),
        *PRESETS,
        "on_prompt",
        "looks",
        "preset",
        "name",
        "schema",
        "categories",
        "classifiers",
        "on_missing",
        "risky_prompt",
        "attempts",
        "timeout_s",
        "measured-flag",
        "measured-block",
    ]
)
atoms = st.one_of(
    words.map(lambda word: f'"{word}"'),
    st.floats().map(lambda x: str(x).replace("e+", "e")),
    st.integers().map(str),
    st.sampled_from(["true", "1979-05-27", "[]", "{}", '"\\u0000"', "0.3", "0.9", "[[1]]"]),
)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda many: f"[{', '.join(many)}]"),
        st.dictionaries(words, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{k} = {v}" for k, v in table.items()) + "}"
        ),
    ),
    max_leaves=6,
)
keys = st.one_of(words, st.tuples(st.just("categories"), words, words).map(".".join))


@given(st.lists(st.tuples(keys, values), max_size=6))
def test_any_toml_is_a_policy_or_a_sentence(pairs):
    try:
        policy = read("\n".join(f"{key} = {value}" for key, value in pairs))
    except ConfigError as error:
        assert str(error)
    else:
        assert len(policy.digest) == 64
        assert "sexual-minors" not in policy.rules or policy.rules["sexual-minors"].picture in (
            {},
            {Action.BLOCK: min(policy.rules["sexual-minors"].picture.values(), default=0)},
        )


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_a_policy_or_a_sentence(text):
    try:
        read(text)
    except ConfigError as error:
        assert str(error)
