"""The tables of letters and pairs: words surprise less than letters in no order."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from provenance.detect.text.language import surprise, unknown_pairs


def test_words_surprise_less_than_letters_at_random():
    assert surprise("Open daily from nine") < 4 < 6 < surprise("Xqzvk trwpl vjfq")


def test_accents_and_capitals_do_not_matter():
    assert surprise("Café") == surprise("CAFE")


def test_a_text_without_letters_is_neutral():
    assert surprise("12:30") == surprise("") == 4.0


def test_frequent_pairs_are_known_and_pairs_at_random_are_not():
    assert unknown_pairs("我们中国") < 0.5
    assert unknown_pairs("题贴年国") > 0.5
    assert unknown_pairs("no Chinese") == 0


@given(st.text())
def test_any_text_has_its_numbers(text):
    assert math.isfinite(surprise(text))
    assert 0 <= unknown_pairs(text) <= 1
