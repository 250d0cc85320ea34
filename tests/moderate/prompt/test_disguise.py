"""Each disguise is seen through, and plain words of the same shape are left alone."""

from __future__ import annotations

import pytest

from provenance.moderate.prompt import PromptTerms

WORD = "forbidden"
LISTS = PromptTerms.standard()


@pytest.fixture(scope="module")
def classifier():
    """One harmless word, so that nothing but the disguise is tested."""
    return PromptTerms([{"terms": {"weapons": {"strong": [WORD, "odd thing", "stem*"]}}}])


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a forbidden cat", "term"),
        ("FORBIDDEN", "term"),
        ("forb\u200bidd\u00aden", "term"),
        ("ｆｏｒｂｉｄｄｅｎ", "term"),
        ("f0rb1dd3n", "digits for letters"),
        ("f@rbidden forb!dden", "digits for letters"),
        ("f o r b i d d e n", "spaced letters"),
        ("f  o  r  b  i  d  d  e  n", "spaced letters"),
        ("f.o.r.b.i.d.d.e.n", "spaced letters"),
        ("f 0 r b 1 d d 3 n", "spaced letters"),
        ("for-bid-den", "split by marks"),
        ("forb(idden)", "split by marks"),
        ("forb*dden", "masked letters"),
        ("forbiddddden", "repeated letters"),
        ("fоrbіdden", "other alphabets"),
        ("🅕🅞🅡🅑🅘🅓🅓🅔🅝", "other alphabets"),
        ("forbiддen", "other alphabets"),
        ("ForbiddenCat", "words written together"),
        ("<lora:superstemfoo_v2:0.8>", "name of a model"),
        ("oddthing", "term"),
        ("odd_thing", "term"),
        ("(odd:1.2) thing", "term"),
        ("stemming", "term"),
        ("forbiddens", "term"),
    ],
)
def test_disguises(classifier, text, rule):
    found = classifier.explain(text)
    assert rule in {match.rule for match in found}
    assert classifier.scores(text)["weapons"] == 0.9


def test_the_span_is_that_of_the_original(classifier):
    text = "see: ｆ\u200b０rb\u0456dd\u00e9n!"
    (match,) = classifier.explain(text)
    assert text[slice(*match.span)] == "ｆ\u200b０rb\u0456dd\u00e9n"


@pytest.mark.parametrize(
    "text",
    [
        "for bid, den",
        "a f o r e s t",
        "superstemfoo",
        "odd, thing",
        "4k 8k uhd 3d 2024 1girl f1.8 85mm",
        "aaaaaaaa 11111111 ********",
        "****idden",
    ],
)
def test_what_is_no_disguise(classifier, text):
    assert not any(classifier.scores(text).values())


def test_an_exception_in_disguise_excuses_nothing():
    lists = {
        "terms": {"weapons": {"strong": ["odd"]}},
        "exceptions": {"phrases": ["odd socks"]},
    }
    classifier = PromptTerms([lists])
    assert classifier.scores("odd socks")["weapons"] == 0.0
    assert classifier.scores("odd s0cks")["weapons"] == 0.9
    assert classifier.scores("odd s o c k s")["weapons"] == 0.9


def test_common_style_words_are_no_disguise_of_the_standard_terms():
    style = (
        "masterpiece, best quality, ultra-detailed, 8k uhd, dslr, film grain, f/1.8, 85mm, "
        "(photorealistic:1.4), hdr, 1girl, 2boys, trending on artstation, s1mple, c4d, a1111, "
        "V A P O R W A V E, a e s t h e t i c, hello!!!, soooo cute, Class A, B2B, mp3, r&b"
    )
    assert not any(LISTS.scores(style).values())
