"""Requests go where they may, and passwords nowhere else."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.weights import web
from tests.tls import tls_certificate
from tests.weights.hub import Hub, serve


@pytest.fixture
def pair(tmp_path):
    """Two servers with TLS, and the context that trusts them."""
    files = tls_certificate(tmp_path)
    hubs = [Hub({"/file": b"x"}), Hub({"/file": b"y"})]
    servers = [serve(hub, files) for hub in hubs]
    yield *hubs, ssl.create_default_context(cafile=str(files[0]))
    for server in servers:
        server.shutdown()
        server.server_close()


def fetched(url, context, headers=None):
    with web.get(url, headers or {}, context) as answer:
        return answer.read()


def test_a_password_stays_with_its_host(pair):
    near, far, context = pair
    login = near.base.replace("https://", "https://me:secret@")
    near.answers["/inside"] = (302, {"Location": "/file"})
    near.answers["/outside"] = (302, {"Location": f"{far.base}/file"})
    assert fetched(f"{login}/inside", context) == b"x"
    assert fetched(f"{login}/outside", context, {"Range": "bytes=0-"}) == b"y"
    assert all(h["authorization"] == "Basic bWU6c2VjcmV0" for _, h in near.log)
    assert len(near.log) == 3
    ((_, headers),) = far.log
    assert "authorization" not in headers
    assert headers["range"] == "bytes=0-"


def test_redirects_end(pair):
    near, _, context = pair
    near.answers["/loop"] = (302, {"Location": "/loop"})
    for number in range(9):
        near.answers[f"/{number}"] = (302, {"Location": f"/{number + 1}"})
    for start in ("/loop", "/0"):
        with pytest.raises(web.RequestFailed, match="302"):
            web.get(near.base + start, {}, context)
    assert len(near.log) <= 12


@pytest.mark.parametrize(
    "url",
    ["", "x", "https://", "https:///x", "http://example.com", "http://127.0.0.1.example.com",
     "ftp://127.0.0.1", "file:///etc/passwd", "data:,x", "https://a\nb", "https://a b", "https://ä",
     "https://a:99999", "https://[a"],
)  # fmt: skip
def test_other_urls_are_refused(url):
    with pytest.raises(web.RequestFailed):
        web.check(url)


@pytest.mark.parametrize("url", ["https://a.example/x", "http://localhost:1/", "http://[::1]:1/"])
def test_these_may_be_asked(url):
    assert web.check(url) == url


@given(st.text() | st.from_regex(r"https?://\S*", fullmatch=True))
def test_any_text_is_a_url_or_refused(url):
    web.shown(url)
    try:
        web.check(url)
    except web.RequestFailed as error:
        assert "\n" not in str(error)


def test_what_is_shown_has_no_password():
    assert web.shown("https://me:secret@h.example/x?token=secret#f") == "https://h.example/x"
