"""The page without a browser: its language and policy, and that it loads nothing from elsewhere."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from provenance.codec.limits import Limits
from provenance.server.app import create_app
from provenance.server.page.shell import Notice, shell
from provenance.verify.verifier import Verifier
from tests.report.made import EVIL
from tests.server.answers import guarded, refused
from tests.server.service import serving

LOADED = ("page.js", "view.js", "page.css", "report.css", "words.en.json", "words.zh.json")


@pytest.mark.parametrize(
    ("query", "header", "tag"),
    [
        ({}, "", "en"),
        ({}, "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ({}, "fr", "en"),
        ({"lang": "zh"}, "en", "zh-Hans"),
        ({"lang": "en"}, "zh", "en"),
    ],
)
def test_the_language(visitor, query, header, tag):
    answer = visitor.get("/", params=query, headers={"Accept-Language": header})
    assert f'<html lang="{tag}">' in answer.text
    assert answer.headers["content-language"] == tag.partition("-")[0]
    assert answer.headers["vary"] == "Accept-Language"
    assert "{{" not in answer.text
    guarded(answer)


def test_languages_that_are_not_there(visitor):
    for name in ("fr", "../en", ""):
        refused(visitor.get("/", params={"lang": name}), 404, "not-found")


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(visitor):
    page = visitor.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "set-cookie" not in page.headers
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page.text)
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
        assert not address.startswith(("http", "/")), address
    for name in LOADED:
        answer = visitor.get(f"/{name}")
        assert answer.status_code == 200
        assert not re.search(r"""https?://(?!www\.w3\.org/2000/svg)[\w.]""", answer.text), name
        guarded(answer)


def test_scripts_write_text_alone_and_keep_nothing():
    package = resources.files("provenance.server.page")
    scripts = "".join((package / name).read_text("utf-8") for name in ("page.js", "view.js"))
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Storage"):
        assert word not in scripts
    assert "cookie" not in scripts


def test_browsers_ask_whether_it_is_still_the_same(visitor):
    for path in ("/", "/page.js"):
        first = visitor.get(path)
        again = visitor.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
        assert visitor.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert visitor.head("/").status_code == 200
    refused(visitor.post("/"), 405, "method-not-allowed")


def test_what_the_operator_says_of_itself_is_text():
    notice = Notice(EVIL, "mailto:a@example.org?subject=\"'<", looks=False)
    text = shell(notice, "en", most=Limits().max_bytes, fetched=True)
    assert "<img" not in text
    assert text.count("<script") == 1
    assert "not judged on this service" in text


def test_parts_that_are_not_there():
    text = shell(Notice(), "en", most=2**20, fetched=False)
    assert "address-form" not in text
    assert "mailto" not in text
    assert "1\u00a0MB" in text
    assert "<!--" not in text


def test_without_a_verifier_there_is_no_page(registry):
    with serving(create_app(registry)) as running, running.client() as client:
        refused(client.get("/"), 404, "not-found")
    app = create_app(verifier=Verifier.standard(looks=False))
    with serving(app) as running, running.client() as client:
        assert client.get("/").status_code == 200
