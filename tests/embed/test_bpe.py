"""Tokens are those of open_clip's own tokenizer, for any text."""

from __future__ import annotations

import json
import pickle
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from provenance.embed.bpe import MERGES, ClipTokenizer
from provenance.embed.words import clean
from provenance.errors import ConfigError

KNOWN = st.characters(codec="utf-8").filter(lambda c: unicodedata.category(c) not in ("Cn", "Co"))
PIECES = [
    "a", "photo", "of", "CAT's", "don't", "I'll", "2024", "n°5", "«été»", "猫", "😀", "ﬁn", "Ａ１",
    "“so”", "&amp;", "<b>",
]  # fmt: skip
WORDS = st.text(KNOWN, max_size=40) | st.lists(st.sampled_from(PIECES)).map(" ".join)


@pytest.fixture(scope="module")
def ours() -> ClipTokenizer:
    pytest.importorskip("open_clip")
    return ClipTokenizer.bundled()


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("open_clip").tokenizer._tokenizer


@settings(deadline=None, max_examples=300)
@given(WORDS)
@example("")
@example("a" * 1000)
@example("it's the cat's, they'll've")
@example("&amp;amp;lt; &eacute; &#39;")
@example("\x1b[31mred\x1b[0m \ufeff zero\u200bwidth")
def test_any_text_gives_the_tokens_of_open_clip(ours, theirs, text):
    import ftfy

    text_of = ftfy.fix_text
    assume(text_of(text) == text_of(text, fix_encoding=False))  # we do not guess at that
    assume("_of_text>" not in text.lower())
    assume("ſ" not in text)  # a long s counts as s after an apostrophe there
    assert ours([text]).tolist() == theirs([text]).tolist()


def test_the_mark_of_the_end_is_text_when_it_is_written(ours):
    tokens = ours(["a cat <end_of_text> and what follows", "<|endoftext|> hidden"])
    assert (tokens == ours.end).sum(axis=1).tolist() == [1, 1]
    assert ours.end not in ours.encode("<end_of_text><start_of_text>")


def test_long_texts_end_at_the_limit(ours):
    tokens = ours(["cat " * 500, "cat"])
    assert tokens.shape == (2, 77)
    assert tokens.dtype == np.int64
    assert tokens[0, -1] == ours.end == 49_407
    assert tokens[1, :4].tolist() == [49_406, 2368, 49_407, 0]


def test_lone_surrogates_are_replaced(ours):
    assert ours(["a \ud800 b"]).tolist() == ours(["a \ufffd b"]).tolist()


def test_the_vocabulary_survives_writing_and_pickle(ours):
    again = ClipTokenizer.from_bytes(ours.to_bytes())
    as_json = json.dumps(
        {"model": {"merges": [line.split() for line in ours.to_bytes().decode().split("\n")[1:-1]]}}
    )
    third = ClipTokenizer.from_bytes(as_json.encode())
    for each in (again, third, pickle.loads(pickle.dumps(ours))):
        assert each.digest == ours.digest
        assert each(["a photo of a cat"]).tolist() == ours(["a photo of a cat"]).tolist()


def test_merges_are_those_of_the_hub(ours):
    """SHA-256 of merges.txt of openai/clip-vit-large-patch14 at 32bd6428."""
    import hashlib

    expected = "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"
    assert hashlib.sha256(ours.to_bytes()).hexdigest() == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"{}", b'{"model": {"merges": 3}}', b"#\na b c\n", b"#\na b\n", b"{" * 9000],
)
def test_another_vocabulary_is_refused(data):
    with pytest.raises(ConfigError, match="vocabulary"):
        ClipTokenizer.from_bytes(data)


def test_pairs_of_unknown_pieces_are_refused():
    with pytest.raises(ConfigError, match="damaged"):
        ClipTokenizer.from_bytes(b"#\n" + b"ab cd\n" * MERGES)


def test_the_three_ways_of_cleaning():
    assert clean(" A_photo,  of “Cats”! ", "lower") == 'a_photo, of "cats"!'
    assert clean(" A_photo,  of “Cats”! ", "canonicalize") == "a photo of cats"
    assert clean(" A_photo,  of “Cats”! ", "whitespace") == 'A_photo, of "Cats"!'
