"""What a workflow of ComfyUI asks for: the texts, and the pictures, that reach a node.

A workflow is what ComfyUI hands to a node as `PROMPT`: nodes by their id, each with `class_type`
and `inputs`, where `[id, n]` is the n-th output of another node. It comes from whoever may send
workflows, so it is hostile. What is missed goes unmoderated: every text of every node before ours
counts, whatever the node is called, except a choice from a list that the node itself declares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from provenance.errors import ModerationFailed
from provenance.moderate.prompt.interface import Prompt

Graph: TypeAlias = "Mapping[str, Mapping[str, Any]]"

Declared: TypeAlias = "Callable[[str], Mapping[str, Any]]"
"""What a class of nodes says of its inputs, by their names: tuples as in `INPUT_TYPES`."""

_AWAY = re.compile(r"neg(ative)?(_.*)?|uncond(itioning|itional)?")
"""Inputs for what a picture is to be kept away from: `negative`, `negative_prompt`, `uncond`."""

_LOADED = re.compile(r"LoadImage.*")
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """What reaches one node.

    Attributes:
        prompts: for the moderator; each text that asks for something, with what is kept away.
        loaded: names of files that nodes before it load.
    """

    prompts: tuple[str, ...]
    loaded: tuple[str, ...]


def asked(graph: Any, node: str, declared: Declared) -> Asked:
    """What the workflow asks for in the pictures that reach a node.

    Args:
        graph: as ComfyUI gives it to the node.
        node: the id of the node.
        declared: tells a text from a choice.

    Raises:
        ModerationFailed: there is no such workflow, or the node is not in it.
    """
    if not (isinstance(graph, Mapping) and is_node(graph.get(node))):
        raise ModerationFailed(
            "ComfyUI did not hand over the workflow with this node in it, so the prompts cannot "
            "be moderated; run the node from a workflow"
        )
    wanted: dict[str, None] = {}
    away: dict[str, None] = {}
    loaded: dict[str, None] = {}
    for inputs, kind, negative in _before(graph, node):
        known = declared(kind)
        for name, value in inputs.items():
            if link(value, graph) is not None:
                continue
            if _LOADED.fullmatch(kind) and name == "image" and isinstance(value, str):
                loaded[value] = None
            texts = [text for text in _texts(value) if not _chosen(text, known.get(name))]
            kept_away = negative or (_AWAY.fullmatch(name) is not None and _has_weight(inputs))
            (away if kept_away else wanted).update(dict.fromkeys(texts))
    against = "\n".join(text for text in away if text not in wanted)
    prompts = tuple(Prompt(text, against) if against else text for text in wanted)
    if against and not prompts:
        prompts = (Prompt("", against),)
    return Asked(prompts, tuple(loaded))


def link(value: Any, graph: Graph) -> tuple[str, int] | None:
    """Node and output that an input is connected to, or None if it is a value."""
    if not (isinstance(value, list) and len(value) == 2):
        return None
    source, output = value
    if not (isinstance(output, int | float) and isinstance(source, str | int)):
        return None
    return (str(source), int(output)) if is_node(graph.get(str(source))) else None


def _before(graph: Graph, node: str) -> Iterator[tuple[Mapping[str, Any], str, bool]]:
    """Inputs and class of each node that reaches this one, and whether only to be kept away.

    A node that is reached both ways comes twice; texts that are wanted anywhere count as wanted.
    """
    waiting = [(source, False) for source in _sources(graph[node]["inputs"], graph)]
    seen = set(waiting)
    while waiting:
        (name, output), negative = waiting.pop()
        inputs = graph[name]["inputs"]
        yield inputs, graph[name]["class_type"], negative
        # A node that takes both sides may hand them on by several outputs, the wanted side first.
        turns = output == 0 and _has_weight(inputs)
        for input_name, value in inputs.items():
            source = link(value, graph)
            if source is None:
                continue
            step = (source, negative or (turns and _AWAY.fullmatch(input_name) is not None))
            if step not in seen:
                seen.add(step)
                waiting.append(step)


def _has_weight(inputs: Mapping[str, Any]) -> bool:
    """False where the guidance lets the negative side be drawn: below 1, or not known."""
    guidance = inputs.get("cfg", 1)
    return isinstance(guidance, int | float) and not isinstance(guidance, bool) and guidance >= 1


def _sources(inputs: Mapping[str, Any], graph: Graph) -> list[tuple[str, int]]:
    found = (link(value, graph) for value in inputs.values())
    return [source for source in found if source is not None]


def is_node(node: Any) -> bool:
    """True for what has a class and inputs."""
    return (
        isinstance(node, Mapping)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), Mapping)
    )


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a value; widgets of custom nodes may hold lists and objects."""
    if depth > _DEEPEST:
        raise ModerationFailed(
            f"a value of the workflow is nested deeper than {_DEEPEST} levels, so it cannot be "
            "moderated"
        )
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, depth + 1)


def _chosen(text: str, declared: Any) -> bool:
    """True if the text is one of a list that the node declares, and so nobody's words."""
    if not (isinstance(declared, list | tuple) and declared):
        return False
    kind = declared[0]
    options: Any = kind if isinstance(kind, list | tuple) else None
    if kind == "COMBO" and len(declared) > 1 and isinstance(declared[1], Mapping):
        options = declared[1].get("options")
    return isinstance(options, list | tuple) and text in options
