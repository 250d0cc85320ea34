"""Term lists: read from TOML, checked, and kept as one tree of words.

[terms.nudity]            any category of the taxonomy; under sexual-minors, `strong` alone
strong = ["naked"]        enough to block      a star ends a stem: "porn*"
medium = ["topless"]      enough to flag
weak = ["sensual"]        two different ones count as one medium
[exceptions]
phrases = ["naked mole rat"]                    terms within these do not count
[[unless]]
terms = ["weed"]
words = ["garden", "lawn"]                      nor these, with such a word nearby
[context]
words = ["museum"]                              strong counts as medium
[negation]
before = ["no"]                                 terms after these do not count
after = ["free"]                                nor those directly before these
[minors]
words = ["child"]                               with anything sexual: refused
negatable = ["nudity"]                          what "no" takes back even then
[negative]                                      looked for in negative prompts alone
medium = ["clothes"]
weak = []
adult = ["adult"]
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from provenance.errors import ConfigError
from provenance.moderate.interface import CATEGORIES
from provenance.moderate.prompt.tokens import read

LEVELS = {"strong": 0.9, "medium": 0.6, "weak": 0.3}
"""Scores of the three strengths. They are ranks, not probabilities: models/prompts/evaluate.py
sets the thresholds between them."""

MINORS = "sexual-minors"


class Role(StrEnum):
    """What a phrase of the lists does."""

    TERM = "term"
    EXCEPTION = "exception"
    NEARBY = "nearby"
    CONTEXT = "context"
    NOT_BEFORE = "not-before"
    NOT_AFTER = "not-after"
    MINOR = "minor"
    ADULT = "adult"
    EXPOSING = "exposing"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One phrase; compared by identity, since hostile prompts hold thousands.

    Attributes:
        role: what it does.
        text: as the list has it.
        category: for terms.
        level: strong, medium or weak, for terms and what is exposing.
    """

    role: Role
    text: str
    category: str = ""
    level: str = ""


@dataclass(slots=True)
class Node:
    """One word's place in the tree of phrases."""

    children: dict[str, Node] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


class Lexicon:
    """All phrases of some documents.

    Attributes:
        root: the tree.
        disguised: words that are looked for in disguise as well.
        stems: beginnings of words, each with its star in the tree.
        shapes: `disguised` by length and first letter, to find masked words.
        excuses: words nearby that excuse a term, by the term's text.
        negatable: texts that "no" takes back even in the rule on minors.
    """

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self.root = Node()
        self.disguised: set[str] = set()
        self.stems: set[str] = set()
        self.shapes: dict[tuple[int, str], list[str]] = defaultdict(list)
        self.excuses: dict[str, set[str]] = defaultdict(set)
        self.negatable: set[str] = set()
        for document in documents:
            for entry in _entries(document):
                self._add(entry)
            for rule in document.get("unless", ()):
                for term in rule["terms"]:
                    self.excuses[term] |= set(rule["words"])
            self.negatable |= set(document.get("minors", {}).get("negatable", ()))
        self.shortest_stem = min(map(len, self.stems), default=1)
        self.longest_stem = max(map(len, self.stems), default=0)
        for word in self.disguised:
            self.shapes[len(word), word[0]].append(word)

    def known(self, word: str) -> Iterator[str]:
        """What a word that was read in a disguise stands for in the tree."""
        if word in self.disguised:
            yield word
        yield from self.stems_of(word)

    def stems_of(self, word: str) -> Iterator[str]:
        """The stems that a word begins with, each with its star."""
        for length in range(self.shortest_stem, min(len(word), self.longest_stem) + 1):
            if word[:length] in self.stems:
                yield word[:length] + "*"

    def _add(self, entry: Entry) -> None:
        words = _words(entry.text)
        if not words:
            raise ConfigError(
                f"the term '{entry.text}' holds no letter, number or emoji; remove it"
            )
        node = self.root
        for word in words:
            node = node.children.setdefault(word, Node())
            if word.endswith("*"):
                self.stems.add(word[:-1])
        node.entries.append(entry)
        if entry.role in {Role.TERM, Role.MINOR}:
            self.disguised |= {w for w in words if len(w) > 2 and w.isascii() and w.isalpha()}
            joined = "".join(words)
            if len(words) > 1 and len(joined) > 3 and joined.isascii() and joined.isalnum():
                self.root.children.setdefault(joined, Node()).entries.append(entry)
                self.disguised.add(joined)


def load(path: Path) -> dict[str, Any]:
    """One checked document.

    Raises:
        ConfigError: no file, no TOML, or something in it is not known.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the term list {path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the term list {path} is not TOML in UTF-8: {error}") from error
    return check(document, str(path))


_PLAIN = {
    "exceptions": {"phrases"},
    "context": {"words"},
    "negation": {"before", "after"},
    "minors": {"words", "negatable"},
    "negative": {"medium", "weak", "adult"},
}


def check(document: Mapping[str, Any], name: str = "given") -> dict[str, Any]:
    """Return the document if all of it is understood: a misspelt safety term must not be ignored.

    Raises:
        ConfigError: it is not.
    """
    unknown = set(document) - {*_PLAIN, "terms", "unless", "language"}
    if unknown:
        raise ConfigError(
            f"the term list {name} has '{min(unknown)}'; "
            f"expected terms, unless, {', '.join(_PLAIN)}"
        )
    tables: list[tuple[str, Any, set[str]]] = [
        (f"[{part}]", document[part], keys) for part, keys in _PLAIN.items() if part in document
    ]
    for category, levels in _table(document.get("terms", {}), "[terms]", name).items():
        if category not in CATEGORIES:
            raise ConfigError(
                f"the term list {name} names the category '{category}'; "
                f"expected one of {', '.join(CATEGORIES)}"
            )
        known = {"strong"} if category == MINORS else set(LEVELS)
        tables.append((f"[terms.{category}]", levels, known))
    rules = document.get("unless", [])
    if not isinstance(rules, list):
        raise ConfigError(f"unless in the term list {name} is no list; expected [[unless]] tables")
    for rule in rules:
        tables.append(("[[unless]]", rule, {"terms", "words"}))
        if set(_table(rule, "[[unless]]", name)) != {"terms", "words"}:
            raise ConfigError(f"[[unless]] in the term list {name} needs both terms and words")
    for title, table, keys in tables:
        for key, phrases in _table(table, title, name).items():
            if key not in keys:
                raise ConfigError(
                    f"{title} in the term list {name} has '{key}'; "
                    f"expected {', '.join(sorted(keys))}"
                )
            if not isinstance(phrases, list) or not all(isinstance(p, str) for p in phrases):
                raise ConfigError(
                    f"{title} {key} in the term list {name} is not a list of texts in quotes"
                )
    return dict(document)


def _table(value: Any, title: str, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{title} in the term list {name} is not a table of lists")
    return value


def _entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    for category, levels in document.get("terms", {}).items():
        for level, phrases in levels.items():
            yield from (Entry(Role.TERM, text, category, level) for text in phrases)
    for level in ("medium", "weak"):
        for text in document.get("negative", {}).get(level, ()):
            yield Entry(Role.EXPOSING, text, "nudity", level)
    simple = {
        Role.EXCEPTION: ("exceptions", "phrases"),
        Role.CONTEXT: ("context", "words"),
        Role.NOT_BEFORE: ("negation", "before"),
        Role.NOT_AFTER: ("negation", "after"),
        Role.MINOR: ("minors", "words"),
        Role.ADULT: ("negative", "adult"),
    }
    for role, (part, key) in simple.items():
        yield from (Entry(role, text) for text in document.get(part, {}).get(key, ()))
    for rule in document.get("unless", ()):
        yield from (Entry(Role.NEARBY, text) for text in rule["words"])


def _words(phrase: str) -> list[str]:
    text = read(phrase)
    return [
        token.word + ("*" if text.plain[token.end : token.end + 1] == "*" else "")
        for token in text.tokens
    ]
