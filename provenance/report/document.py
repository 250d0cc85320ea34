"""The frame of a page: one file that loads nothing, runs nothing, and reads well on paper."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from provenance.report.markup import Markup, joined, tag


def document(title: str, *body: str, style: str = "") -> str:
    """A whole HTML document. Its policy forbids scripts, forms, and whatever is not in the file.

    Args:
        title: of the page.
        body: its content.
        style: of our own, beside what all documents share.
    """
    style = Markup(_style() + style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", style),
    )
    page = tag("html", head, tag("body", *body), lang="en")
    return f"<!doctype html>\n{page}\n"


def section(heading: str, *content: str, name: str) -> Markup:
    """A part of the page with its heading; nothing if there is nothing in it."""
    inner = joined(*content)
    if not inner:
        return Markup("")
    label = f"about-{name}"
    return tag("section", tag("h2", heading, id=label), inner, class_=name, aria_labelledby=label)


def listed(items: list[Markup], kind: str = "ul", **attributes: str) -> Markup:
    """A list; nothing if it is empty."""
    if not items:
        return Markup("")
    return tag(kind, *(tag("li", item) for item in items), **attributes)


@cache
def _style() -> Markup:
    return Markup((resources.files(__package__) / "style.css").read_text(encoding="utf-8"))
