"""The classifier as a whole: measured quality, bad input, time, lists of one's own."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.interface import CATEGORIES
from provenance.moderate.prompt import Prompt, PromptTerms
from provenance_models import read_json

METRICS = read_json("prompts", "metrics.json")
LISTS = PromptTerms.standard()


def test_the_standard_lists_are_read_once():
    assert PromptTerms.standard() is LISTS


def test_it_covers_the_taxonomy():
    assert LISTS.categories == CATEGORIES
    assert set(LISTS.scores("a cat")) == set(CATEGORIES)


def test_the_measured_numbers_keep_their_promise():
    report = METRICS["report"]
    assert report["recall"]["share"] >= 0.95
    assert report["benign_flagged"]["share"] <= 0.03
    assert report["context_blocked"]["hit"] == 0
    assert METRICS["baseline"]["benign_flagged"]["share"] > report["benign_flagged"]["share"]


def test_the_thresholds_part_the_levels():
    flag, block = METRICS["thresholds"]["flag"], METRICS["thresholds"]["block"]
    assert 0.3 < flag < 0.6 < block < 0.9


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "\x00\x01\x1b[31m",
        "\ud800\udfff",
        "🌻🌊🏔️",
        "\u200b\u200d\ufe0f",
        "()[]{}<>:|",
        "～",
    ],
)
def test_odd_texts_score_nothing(prompt):
    assert not any(LISTS.scores(prompt).values())


@pytest.mark.parametrize("prompt", [None, 5, b"bytes", ["a list"], object()])
def test_what_is_no_text_is_held_back(prompt):
    with pytest.raises(ModerationFailed, match="expected text"):
        LISTS.scores(prompt)


def test_what_is_too_long_is_held_back_and_not_quoted():
    with pytest.raises(ModerationFailed, match="100,001 characters") as caught:
        LISTS.scores("secret " + "x" * 99_994)
    assert "secret" not in str(caught.value)
    with pytest.raises(ModerationFailed, match="negative prompt"):
        LISTS.scores(Prompt("a", "x" * 100_001))


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_gets_scores(text):
    scores = LISTS.scores(Prompt(text, text[::-1]))
    assert all(0.0 <= score <= 1.0 for score in scores.values())


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            [
                "nude",
                "no",
                ",",
                "(",
                ":1.2)",
                "n",
                "u",
                "d",
                "e",
                "0",
                "裸",
                "*",
                "<lora:",
                ">",
                "child",
                "museum",
                "BREAK",
                " ",
                "\n",
                "--",
            ]
        )
    )
)
def test_fragments_of_terms_and_syntax_get_scores(pieces):
    text = "".join(pieces)
    for match in LISTS.explain(text):
        assert 0 <= match.span[0] <= match.span[1] <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "masterpiece, best quality, ",
        "n u d e ",
        "a",
        "a*b ",
        "n-u-",
        "裸",
        "no ",
        "1a",
        "<",
        "(a:-1)",
        "nude ",
        "𝐧",
        "no a, ",
        "a b c ",
        "A",
        "a&",
        "(a:",
        "(: ",
        "<b ",
        "no a b, c or ",
        "裸a",
        "*a",
        "weed garden ",
        "éa",
        "Aa",
        "child nsfw ",
        "<lora:a",
        "🍆",
    ],
)
def test_the_longest_prompt_takes_linear_time(unit):
    text = (unit * 100_000)[:100_000]
    text = text[:99_980] + "*a 1b (a:-1) éa <b>"  # so that every way of reading is tried
    LISTS.scores(text[:1000])
    start = time.process_time()
    LISTS.scores(text)
    assert time.process_time() - start < 5  # measured: see benchmarks/prompts.py


def test_a_list_of_ones_own_takes_two_lines(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[terms.weapons]\nstrong = ["zorgblaster"]\n', encoding="utf-8")
    mine = LISTS.extended(path)
    assert mine.scores("a z0rgblaster")["weapons"] == 0.9
    assert mine.scores("naked man")["nudity"] == 0.9
    assert LISTS.scores("a zorgblaster")["weapons"] == 0.0
    assert (
        mine.extended({"exceptions": {"phrases": ["zorgblaster toy"]}}).scores("zorgblaster toy")[
            "weapons"
        ]
        == 0.0
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[terms.clowns]\nstrong = ['x']", "names the category 'clowns'"),
        ("[terms.nudity]\nhuge = ['x']", "has 'huge'"),
        ("[terms.nudity]\nstrong = 'x'", "not a list"),
        ("[terms.nudity]\nstrong = [5]", "not a list"),
        ("[terms.nudity]\nstrong = ['...']", "holds no letter"),
        ("[terms.sexual-minors]\nweak = ['x']", "has 'weak'"),
        ("[[unless]]\nterms = ['x']", "needs both"),
        ("unless = 5", "unless"),
        ("terms = 5", "not a table"),
        ("[exeptions]\nphrases = []", "has 'exeptions'"),
        ("[terms", "is not TOML"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path, content, said):
    path = tmp_path / "wrong.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        LISTS.extended(path)


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        LISTS.extended(tmp_path / "none.toml")


def test_it_pickles():
    assert pickle.loads(pickle.dumps(LISTS)).scores("naked man") == LISTS.scores("naked man")


def test_a_prompt_is_text_and_keeps_its_negative_prompt():
    prompt = Prompt("a cat", "blurry")
    assert prompt == "a cat"
    for again in (pickle.loads(pickle.dumps(prompt)), copy.copy(prompt), copy.deepcopy(prompt)):
        assert (again, again.negative, type(again)) == ("a cat", "blurry", Prompt)


def test_matches_are_ready_for_json():
    (match,) = LISTS.explain("a naked man")
    assert match.to_dict() == {
        "category": "nudity",
        "term": "naked",
        "span": [2, 7],
        "rule": "term",
        "score": 0.9,
    }


def test_importing_it_imports_no_framework():
    code = (
        "import sys, provenance.moderate.prompt.classifier;"
        "print(sorted({'torch', 'transformers', 'onnxruntime', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
