"""ComfyUI: a graph goes to `/prompt`, pictures are asked for at `/history` and `/view`.

Source: comfyanonymous/ComfyUI, server.py and execution.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from provenance._inputs import Inputs
from provenance.proxy.apis.interface import Api
from provenance.proxy.asked import Asked
from provenance.proxy.words import paired, prompts
from provenance.server.errors import Refusal, invalid

_FILES = ("_name", "_path", "filename_prefix")
_UPLOADS = frozenset({"image", "audio", "video", "file", "mask"})
_PAST_TEXT = frozenset(
    {"positive", "negative", "model", "samples", "latent_image", "images", "image", "pixels"}
)
"""Inputs of nodes that do more than to prepare words."""

_Graph = dict[str, dict[str, Any]]


class ComfyUI(Api):
    """Graphs, and pictures that are fetched later."""

    def prompts(self, asked: Asked) -> list[str]:
        """All texts in a graph but names of files; what only goes to `negative` is negative."""
        if asked.method != "POST" or not asked.path.rstrip("/").endswith("/prompt"):
            return prompts(asked)
        body = asked.json if isinstance(asked.json, dict) else {}
        graph = body.get("prompt")
        if not isinstance(graph, dict) or not all(_is_node(node) for node in graph.values()):
            raise invalid("prompt is missing, or is no graph of nodes with class_type and inputs")
        away = _negative(graph)
        texts: dict[bool, list[str]] = {True: [], False: []}
        for name, node in graph.items():
            texts[name in away] += _texts(node["inputs"])
        return list(paired(["\n".join(texts[False])], texts[True]))

    def inputs(self, asked: Asked) -> Inputs:
        """None: pictures are uploaded apart, and are not generated here."""
        if asked.path.rstrip("/").endswith("/view") and asked.first("type") == "input":
            raise Refusal(
                403,
                "input_not_shown",
                "uploaded pictures are not shown: they would be marked as generated",
            )
        return Inputs()

    def shape(self, refusal: Refusal) -> dict[str, Any]:
        """As `/prompt` answers for a graph that is not valid."""
        return {
            "error": {
                "type": refusal.code,
                "message": refusal.message,
                "details": "",
                "extra_info": {},
            },
            "node_errors": {},
        }


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


def _negative(graph: _Graph) -> set[str]:
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
