"""Which form and which language a client gets."""

import hypothesis
import pytest
from hypothesis import strategies as st

from provenance.server.negotiate import preferred

FORMS = ("application/json", "text/html")
TONGUES = ("en", "zh")


@pytest.mark.parametrize(
    ("header", "offered", "chosen"),
    [
        ("", FORMS, "application/json"),
        ("*/*", FORMS, "application/json"),
        ("text/html", FORMS, "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", FORMS, "text/html"),
        ("application/json, text/html;q=0.9", FORMS, "application/json"),
        ("text/html;q=0, */*", FORMS, "application/json"),
        ("text/*;q=0.9, application/json;q=0.1", FORMS, "text/html"),
        ("TEXT/HTML ; q=1", FORMS, "text/html"),
        ("application/json;q=rubbish, text/html;q=0.1", FORMS, "text/html"),
        ("image/png", FORMS, "application/json"),
        ("zh-CN,zh;q=0.9,en;q=0.8", TONGUES, "zh"),
        ("zh-Hant-TW", TONGUES, "zh"),
        ("de,fr;q=0.5", TONGUES, "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", TONGUES, "en"),
        ("zhx", TONGUES, "en"),
    ],
)
def test_what_is_preferred(header, offered, chosen):
    assert preferred(header, offered) == chosen


@hypothesis.given(st.text(st.characters(max_codepoint=255), max_size=100))
def test_any_header_is_answered(header):
    assert preferred(header, FORMS) in FORMS
