"""A page says what the report says, and nothing in it is anybody else's markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.evidence import Box, Evidence, Origin, Outcome, Result, Status, Weight
from provenance.report.index import Entry, index
from provenance.report.page import page
from provenance.report.words import CHECKS, RESULTS, STATUSES
from tests import signed
from tests.report.made import EVIL, FAILED, HANDS, HOSTILE, MARK, SHOT, report
from tests.report.test_markup import Seen
from tests.verify.test_policy import FORBIDDEN

DATA = signed.encoded().data
WHEN = datetime(2026, 11, 22, 1, 2, tzinfo=UTC)
FETCHING = {
    "src",
    "srcset",
    "href",
    "action",
    "data",
    "poster",
    "background",
    "style",
    "formaction",
}


def made(*evidence, **more) -> str:
    return page(report(*evidence, **more), DATA, when=WHEN)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL).split())


CASES = [(), (MARK,), (SHOT,), (HANDS,), (SHOT, MARK), (FAILED, HANDS), (HOSTILE,)]


@pytest.mark.parametrize("evidence", CASES)
def test_nothing_is_fetched_and_nothing_runs(evidence):
    html = made(*evidence, name=EVIL)
    seen = Seen(html)
    names = {name for name, _ in seen.elements}
    assert not names & {
        "script",
        "iframe",
        "object",
        "embed",
        "form",
        "link",
        "base",
        "foreignobject",
    }
    for name, attributes in seen.elements:
        assert not [key for key in attributes if key.startswith("on")], name
        for key in FETCHING & attributes.keys():
            assert re.match(r"data:image/(png|jpeg);base64,|#|index[.]html$", attributes[key])
    assert html.count("<style>") == 1
    (rules,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    assert "default-src &#x27;none&#x27;" in rules
    assert "unsafe" not in rules


def test_hostile_names_claims_and_labels_stay_text():
    html = made(HOSTILE, name=EVIL)
    assert "<script" not in html
    assert "<img src=http" not in html
    assert "\u202e" not in html
    assert html.count("&lt;script&gt;alert(1)") > 6
    assert html.encode("utf-8")


def test_each_result_has_its_title():
    for evidence, title in (
        ((), "Unknown"),
        ((MARK,), "Generated with AI"),
        ((HANDS,), "Probably generated with AI"),
        ((SHOT,), "Taken with a camera, says its signer"),
        ((SHOT, MARK), "Conflicting statements"),
        ((FAILED,), "A check failed"),
        ((FAILED, HANDS), "A check failed, and it looks generated"),
    ):
        assert f'<h2 id="about-verdict">{title}</h2>' in made(*evidence)
    assert set(RESULTS) == set(Result)


def test_it_shows_verdict_odds_reasons_and_what_was_not_checked():
    html = text_of(made(HANDS))
    assert "By its looks alone, it is generated with a probability of" in html
    assert "every second picture is generated where it comes from" in html
    assert "80 times as often in generated pictures" in html
    assert "A hand with six fingers." in html
    assert "about 1 in 250 pictures without it" in html
    assert "<strong>Your watermark. </strong>The watermark was not looked for" in html
    assert "<strong>Pixels. </strong>Not part of this examination." in html
    assert "2026-11-22 at 01:02 UTC" in html
    assert report().sha256 in html


def test_places_are_cut_to_the_picture_and_linked_both_ways():
    html = made(HANDS)
    seen = Seen(html)
    rects = [a for name, a in seen.elements if name == "rect" and a.get("class") == "over"]
    assert [(r["x"], r["width"]) for r in rects] == [("4", "26"), ("40", "24")]
    targets = {a["id"] for _, a in seen.elements if "id" in a}
    links = {a["href"][1:] for name, a in seen.elements if name == "a" and a["href"][0] == "#"}
    assert links == {"place-1", "place-2", "box-1", "box-2"}
    assert links <= targets
    labels = [a["aria-label"] for name, a in seen.elements if a.get("class") == "place"]
    assert labels == ["Place 1: hand with six fingers", "Place 2: seen here"]


def test_a_heat_map_uses_the_picture_again_without_writing_it_twice():
    html = made(HANDS)
    assert html.count("data:image/jpeg") == 1
    assert html.count("data:image/png") == 1
    assert '<use href="#picture"' in html
    assert "data:image/png" not in made()


def test_the_history_is_told_with_the_right_warning():
    data = signed.signed("PNG", 1, parent=signed.signed("JPEG").data).data
    untrusted = page(report(data=data), data)
    assert "Nothing that you trust vouches for this history." in untrusted
    assert "Made from: <bdi>input</bdi>" in untrusted.replace("</bdi></h3>", "</bdi>")
    failed = page(report(FAILED, data=data), data)
    assert "do not rely on anything that they say" in failed
    assert "as recorded there" in page(report(SHOT, data=data), data)
    assert "History" not in made()


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", b"\0\0\0\x18ftypmp42"],
)
def test_files_that_are_no_pictures(data):
    html = page(report(data=data), data)
    assert "Content Credentials" in html
    assert "<img" not in html
    shown = "no picture to show" in html
    assert shown == data.startswith(b"<svg")


def test_no_page_calls_a_picture_authentic():
    for evidence in CASES[:-1]:
        assert not FORBIDDEN.search(text_of(made(*evidence)))


def test_words_exist_for_every_status_and_check():
    assert set(STATUSES) == set(Status)
    assert len({symbol for symbol, _, _ in STATUSES.values()}) == len(Status)
    assert {e.source for e in report().evidence} <= set(CHECKS)


def test_a_page_says_who_made_it_and_in_which_language():
    html = made()
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "provenance.report/2" in html
    assert json.loads(json.dumps(html)) == html


def test_the_list_leads_to_the_pages_and_names_problems():
    entries = [
        Entry("a.png", report(MARK), "0001-a-png.html"),
        Entry(EVIL, problem=EVIL),
    ]
    html = index(entries, WHEN)
    assert 'href="0001-a-png.html"' in html
    assert "✓ Generated with AI" in html
    assert "2 files examined" in html
    assert "<script" not in html
    assert "Not examined: 1" in html
    assert Outcome.VERIFIED is entries[0].report.verdict.outcome


texts = st.text(max_size=60) | st.sampled_from([EVIL, "</svg>", "]]>", "-->", "&lt;", "\x00", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
whole = st.integers(-(10**9), 10**9)
boxes = st.builds(Box, whole, whole, whole, whole, texts, st.none() | st.floats())
weights = st.builds(Weight, st.floats(), st.floats(), st.floats(), whole, whole)
heats = st.lists(st.lists(st.floats(), max_size=3).map(tuple), max_size=3).map(tuple)
pieces = st.builds(
    Evidence,
    texts,
    texts,
    st.sampled_from(Status),
    texts,
    texts,
    st.sampled_from(Origin),
    st.none() | st.floats(),
    st.none() | st.floats(),
    st.dictionaries(texts | st.just("detection_rate"), values, max_size=3),
    st.lists(boxes, max_size=2).map(tuple),
    st.none() | weights,
    heats,
)
SAFE = {name for name, _ in Seen(page(report(SHOT, MARK, HANDS), DATA)).elements} | {"nav", "img"}


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=4), texts)
def test_whatever_a_check_says_the_page_stands(evidence, name):
    html = made(*evidence, name=name)
    html.encode("utf-8")
    assert {element for element, _ in Seen(html).elements} <= SAFE


def test_details_that_are_nested_without_end_are_cut():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    wide = {"many": list(range(100_000))}
    nested = Evidence("x", "x.y", Status.CLAIMED, "So.", details={"deep": deep, **wide})
    assert "…" in page(replace(report(), evidence=(nested,)), DATA)
