"""Folding: what is seen stays, what is hidden goes, and every offset leads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.moderate.prompt.characters import fold
from provenance.moderate.prompt.tokens import Gap, read

ANYTHING = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("given_text", "plain"),
    [
        ("Straße", "strasse"),
        ("Ｆｕｌｌ", "full"),
        ("a\u200bb\u00adc\ufeffd\x00e", "abcde"),
        ("𝐛𝐨𝐥𝐝 ⓒⓘⓡ", "bold cir"),
        ("n\u0336o\u0336", "no"),
        ("água ñ", "agua n"),
        ("裡體", "里体"),
        ("か\u3099 ｶﾞ", "が ガ"),
        ("\ud800x\udfff", "x"),
        ("👍🏽", "👍"),
        ("", ""),
    ],
)
def test_what_a_text_says(given_text, plain):
    assert fold(given_text)[0] == plain


@pytest.mark.parametrize("text", ["tеst", "ᴛᴇsᴛ", "🅣🅔🅢🅣", "🇹🇪🇸🇹", "τеѕт"])
def test_what_a_text_looks_like(text):
    assert fold(text)[1] == "test"


@given(ANYTHING)
def test_both_readings_have_an_origin_for_each_character(text):
    plain, looks, origin = fold(text)
    assert len(plain) == len(looks) == len(origin)
    assert all(0 <= n < len(text) for n in origin)
    assert list(origin) == sorted(origin)


@given(ANYTHING)
def test_tokens_are_in_order_and_lie_within_the_text(text):
    found = read(text)
    assert [t.start for t in found.tokens] == sorted({t.start for t in found.tokens})
    for index, token in enumerate(found.tokens):
        assert found.plain[token.start : token.end] == token.word
        start, end = found.span(index, index + 1)
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ("a-b", [Gap.MARK]),
        ("a b", [Gap.SPACE]),
        ("a_b", [Gap.SPACE]),
        ("a  b", [Gap.WIDE]),
        ("a, b", [Gap.CLAUSE]),
        ("a. b", [Gap.CLAUSE]),
        ("a.b", [Gap.MARK]),
        ("a\nb", [Gap.CLAUSE]),
        ("a，b", [Gap.CLAUSE]),
        ("a BREAK b", [Gap.CLAUSE]),
        ("a break b", [Gap.SPACE, Gap.SPACE]),
    ],
)
def test_gaps_between_words(text, gaps):
    assert [token.gap for token in read(text).tokens][1:] == gaps


def test_han_characters_stand_alone_and_katakana_words_do_not():
    assert [t.word for t in read("水彩画ピエロ3D").tokens] == ["水", "彩", "画", "ピエロ", "3", "d"]
