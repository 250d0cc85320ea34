"""The page before anything was examined: `page.html` with the words of a language."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from provenance._version import __version__
from provenance.report.markup import Markup, clean, joined, tag
from provenance.server.page.words import LANGUAGES, fill, words

_NAME = re.compile(r"\{\{([a-z-]+)\}\}")
_BLOCK = re.compile(r"<!-- if ([a-z]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the page says of the service.

    Attributes:
        operator: whose marks and credentials are checked here.
        feedback: address (`https:` or `mailto:`) where people say that an answer was wrong.
        looks: the pixels are judged as well.
        root: address of the page, for the example; empty for a relative one.
    """

    operator: str = "the operator of this service"
    feedback: str = ""
    looks: bool = True
    root: str = ""


def shell(notice: Notice, language: str, *, most: int, fetched: bool) -> str:
    """The page as HTML.

    Args:
        notice: of the operator.
        language: one of `LANGUAGES`.
        most: bytes of a file.
        fetched: addresses are taken as well.
    """
    said = said_of(notice, language, most)
    looks = "what-looks" if notice.looks else "what-looks-off"
    values = {
        **said["page"],
        "tag": said["tag"],
        "language": language,
        "links": _links(language),
        "looks": looks,
        "what-looks-said": said["page"][looks],
        "five": _five(said),
        "bytes": str(most),
        "root": f"{notice.root}/" if notice.root else "https://…/",
        "feedback-address": notice.feedback,
    }
    shown = {"fetched": fetched, "feedback": bool(notice.feedback)}
    text = _BLOCK.sub(lambda m: m[2] if shown[m[1]] else "", _template())
    return _NAME.sub(lambda m: _written(values[m[1]]), text)


def said_of(notice: Notice, language: str, most: int) -> dict[str, Any]:
    """The words that the page needs, with what is known of the service put in."""
    all_words = words(language)
    values = {
        "operator": clean(notice.operator),
        "most": f"{most / 2**20:.0f}",
        "version": __version__,
    }
    page = {name: fill(text, values) for name, text in all_words["page"].items()}
    names = ("tag", "work", "problems", "refusals", "report", "relations", "results")
    return {"page": page, **{name: all_words.get(name, {}) for name in names}}


def _links(language: str) -> Markup:
    """The other languages, each named in itself."""
    return joined(
        *(
            tag(
                "a",
                words(each)["language"],
                href=f"?lang={each}",
                lang=words(each)["tag"],
                hreflang=words(each)["tag"],
                data_language=each,
                aria_current="true" if each == language else None,
            )
            for each in LANGUAGES
        )
    )


def _five(said: Mapping[str, Any]) -> Markup:
    return joined(
        *(
            joined(tag("dt", each["word"]), tag("dd", each["meaning"]))
            for each in said["results"].values()
        )
    )


def _written(value: str) -> str:
    return value if isinstance(value, Markup) else html.escape(value)


@cache
def _template() -> str:
    return (resources.files(__package__) / "page.html").read_text(encoding="utf-8")
