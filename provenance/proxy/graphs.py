"""ComfyUI's graphs: nodes that take their inputs from each other, with words in some of them.

Source: comfyanonymous/ComfyUI, execution.py: an input is a value, or `[node, output]`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

_FILES = ("_name", "_path", "filename_prefix")
_UPLOADS = frozenset({"image", "audio", "video", "file", "mask"})
_PAST_TEXT = frozenset(
    {"positive", "negative", "model", "samples", "latent_image", "images", "image", "pixels"}
)
"""Inputs of nodes that do more than to prepare words."""

Graph = dict[str, dict[str, Any]]


def nodes(value: Any) -> Graph:
    """The nodes in a value by their names; empty if it is no graph."""
    if not isinstance(value, dict):
        return {}
    return {name: node for name, node in value.items() if _is_node(node)}


def sides(graph: Graph) -> tuple[list[str], list[str]]:
    """All texts but names of files: what is to be drawn, and what is to be kept away."""
    away = _negative(graph)
    texts: dict[bool, list[str]] = {True: [], False: []}
    for name, node in graph.items():
        texts[name in away] += _texts(node["inputs"])
    return texts[False], texts[True]


def _is_node(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )


def _texts(inputs: dict[str, Any]) -> list[str]:
    return [
        value
        for name, value in inputs.items()
        if isinstance(value, str) and not name.endswith(_FILES) and name not in _UPLOADS
    ]


def _negative(graph: Graph) -> set[str]:
    """Nodes of words that are used only as what is to be kept away.

    A node is one if each of its users takes it as `negative` beside a `positive`, or is one itself.
    A node that does more than to prepare words never is, so that a node which nothing runs cannot
    make a graph negative by naming its end; and whatever goes in a circle is not.
    """
    used: set[str] = set()
    takes: dict[str, list[str]] = defaultdict(list)
    waits: Counter[str] = Counter()
    for user, node in graph.items():
        for name, value in node["inputs"].items():
            if not (isinstance(value, list) and value and isinstance(value[0], str | int)):
                continue
            source = str(value[0])
            used.add(source)
            if name != "negative" or "positive" not in node["inputs"]:
                takes[user].append(source)
                waits[source] += 1
    known = {
        name: False
        for name, node in graph.items()
        if name not in used or not _PAST_TEXT.isdisjoint(node["inputs"])
    }
    known |= {name: True for name in graph if name not in known and not waits[name]}
    settled = list(known)
    while settled:
        user = settled.pop()
        for source in takes[user]:
            waits[source] -= 1
            if source in graph and source not in known and not (known[user] and waits[source]):
                known[source] = known[user]
                settled.append(source)
    return {name for name, away in known.items() if away}
