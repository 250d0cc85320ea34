"""Nothing that comes from a file can be anything but text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from provenance.report.markup import Markup, clean, joined, tag


class Seen(HTMLParser):
    """What a reader of HTML sees: elements, their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@given(st.text())
def test_text_stays_text(text):
    seen = Seen(tag("p", text))
    assert seen.elements == [("p", {})]
    assert seen.text == clean(text)


@given(st.text())
def test_an_attribute_stays_an_attribute(text):
    seen = Seen(tag("p", "x", title=text))
    assert seen.elements == [("p", {"title": clean(text)})]
    assert seen.text == "x"


@given(st.text())
def test_what_is_shown_can_be_written_and_does_not_turn(text):
    shown = clean(text)
    shown.encode("utf-8")
    assert not set(shown) & set("\u202e\u2066\u200b\x00\x1b\r\n\x85\u2028")


def test_only_markup_passes():
    assert joined(tag("b", "<i>"), "<i>") == "<b>&lt;i&gt;</b>&lt;i&gt;"
    assert joined(Markup("<hr>")) == "<hr>"


def test_attributes():
    assert tag("a", "x", class_="y", aria_label='"', open=True, id=None, hidden=False) == (
        '<a class="y" aria-label="&quot;" open>x</a>'
    )
    assert tag("meta", name="n", content="c") == '<meta name="n" content="c">'
    assert tag("svg", viewBox="0 0 1 1") == '<svg viewBox="0 0 1 1"></svg>'


def test_a_long_text_is_cut_and_says_so():
    assert clean("a" * 5000).endswith("a […]")
    assert len(clean("a" * 5000)) < 2100
    assert clean(" a\tb\nc ") == " a b c "
