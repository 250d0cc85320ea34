"""Finds the phrases of a lexicon in a text, plain or disguised."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.moderate.prompt.disguise import Edge, Edges, edges
from provenance.moderate.prompt.lexicon import Entry, Lexicon, Node, Role
from provenance.moderate.prompt.tokens import Gap, Text

_DISGUISABLE = {Role.TERM, Role.MINOR}
"""What is also taken in disguise. An exception in disguise would be a way to excuse a term."""


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A phrase of the lists in a text.

    Attributes:
        entry: the phrase.
        first: token that it starts with.
        last: token after its end.
        rule: `term`, or the disguise.
    """

    entry: Entry
    first: int
    last: int
    rule: str


def scan(text: Text, lexicon: Lexicon) -> list[Hit]:
    """All phrases, in order of where they start.

    Each phrase has few words and each token few readings, so the time is linear in the tokens.
    """
    hidden = edges(text, lexicon)
    found: dict[tuple[int, int, Entry], Hit] = {}
    children = lexicon.root.children
    for first, token in enumerate(text.tokens):
        if (
            token.word in children
            or first in hidden
            or token.word[:-1] in children
            or any(lexicon.stems_of(token.word))
        ):
            _follow(text, lexicon, hidden, found, lexicon.root, first, first, "term")
    return sorted(found.values(), key=lambda hit: (hit.first, -hit.last))


def _follow(
    text: Text,
    lexicon: Lexicon,
    hidden: Edges,
    found: dict[tuple[int, int, Entry], Hit],
    node: Node,
    start: int,
    here: int,
    rule: str,
) -> None:
    """Walk the tree from `node` with every reading of the token at `here`."""
    if here > start and node.entries:
        for entry in node.entries:
            if rule == "term" or entry.role in _DISGUISABLE:
                key = (start, here, entry)
                if key not in found or rule == "term":
                    found[key] = Hit(entry, start, here, rule)
    if not node.children or here >= len(text.tokens):
        return
    if here > start and text.tokens[here].gap is Gap.CLAUSE:
        return
    for edge in _readings(text, here, lexicon):
        child = node.children.get(edge.word)
        if child is not None:
            _follow(text, lexicon, hidden, found, child, start, edge.last, rule)
    for edge in hidden.get(here, ()):
        child = node.children.get(edge.word)
        if child is not None:
            _follow(text, lexicon, hidden, found, child, start, edge.last, edge.rule)


def _readings(text: Text, index: int, lexicon: Lexicon) -> list[Edge]:
    """A token as it stands, without a plural s, and as what its stems stand for."""
    word = text.tokens[index].word
    readings = [Edge(word, index + 1, "term")]
    if len(word) < lexicon.shortest_stem and len(word) < 4:
        return readings
    if len(word) > 3 and word[-1] == "s":
        readings.append(Edge(word[:-1], index + 1, "term"))
    readings += [Edge(stem, index + 1, "term") for stem in lexicon.stems_of(word)]
    return readings
