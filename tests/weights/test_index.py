"""Package indexes are hostile pages too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.weights.index import DEFAULT, chosen, html_links, json_links, wheel_url
from provenance.weights.interface import PullFailed

values = st.recursive(
    st.none() | st.integers() | st.text("ab/.:[ é", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["files", "filename", "url"]), inner, max_size=3)
    ),
)


@given(values)
def test_any_json_is_read_as_links_or_none(page):
    found = json_links(json.dumps(page).encode())
    assert all(isinstance(url, str) for url in found.values())


@given(
    st.binary() | st.lists(st.sampled_from(["<", "!", "[", "a href=", "'x.whl'", ">", "-", "\0"]))
)
def test_any_page_is_read_as_links_or_none(page):
    content = page if isinstance(page, bytes) else "".join(page).encode()
    assert json_links(content) == {}
    html_links(content)


def test_links_are_found():
    page = (
        b'<a href="/x/a%2Bb-1.whl#sha256=0" data-yanked="">text</a><A HREF=b-2.whl?q>b</A><a>c</a>'
    )
    assert html_links(page) == {"a+b-1.whl": "/x/a%2Bb-1.whl#sha256=0", "b-2.whl": "b-2.whl?q"}


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x-1.whl", "file:///x-1.whl", "//[x/x-1.whl", "http://h:99999/x-1.whl"],
)
def test_a_link_leads_to_https(hub, url):
    hub.files["/simple/x/"] = json.dumps({"files": [{"filename": "x-1.whl", "url": url}]}).encode()
    with pytest.raises(PullFailed, match="gives no https URL"):
        wheel_url("x", "x-1.whl", f"{hub.base}/simple")


def test_the_index_is_chosen(monkeypatch):
    assert chosen(None) == DEFAULT
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple/")
    assert chosen(None) == "https://mirror.example/simple"
    assert chosen("https://other.example") == "https://other.example"


@pytest.mark.parametrize(
    "index", ["http://mirror.example/simple", "nonsense", "https://", "https://h:x/", "https://[x"]
)
def test_an_index_that_cannot_be_asked_is_one_sentence(index):
    with pytest.raises(PullFailed, match="cannot read the package index"):
        wheel_url("x", "x-1.whl", index)
