"""ComfyUI: the graph that made the picture (`prompt`) and the one on the screen (`workflow`).

PNG texts of these names; in JPEG and WebP EXIF texts that begin with them (`Prompt: {…}` in Make,
`workflow:{…}` in ImageDescription or Model, by the node that saves), or one JSON object with both.

Source: files of ComfyUI and of Save Image Extended; comfyanonymous/ComfyUI, SaveAnimatedWEBP;
names of nodes and inputs as in enslo/sd-metadata (src/parsers/comfyui-nodes.ts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provenance.claims import values
from provenance.claims.fields import Field, Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_LABELLED = re.compile(r"(?i)(prompt|workflow)\s*:\s*(?=\{)")
_FOLLOWED = 10
_TEXTS = ("text", "prompt", "Text", "string", "value", "text_g", "clip_l", "t5xxl")

_Node = dict[str, Any]
_Graph = dict[str, _Node]


def read(fields: Fields) -> tuple[Claim, ...]:
    """One claim for each graph; a workflow counts only where there is no prompt."""
    prompts, workflows = [], []
    for field, name, value in _labelled(fields):
        graph = _graph(value)
        if name == "prompt" and graph:
            prompts.append(_claim(field, _generation(graph)))
        elif name == "workflow" and _is_workflow(value):
            workflows.append(_claim(field, Generation(generator="ComfyUI")))
    return tuple(prompts or workflows[:1])


def _claim(field: Field, generation: Generation) -> Claim:
    return Claim("comfyui", field.place, Origin.GENERATED, "ComfyUI", generation=generation)


def _labelled(fields: Fields) -> Iterator[tuple[Field, str, Any]]:
    """Each text that is called a prompt or a workflow, as JSON."""
    for field in fields.free():
        if field.source == "png" and field.name in ("prompt", "workflow"):
            yield field, field.name, fields.json(field.text)
        elif match := _LABELLED.match(field.text):
            yield field, match[1].lower(), fields.json(field.text[match.end() :])
        elif field.text[:1] == "{" and '"prompt"' in field.text:
            both = fields.object(field.text)
            for name in ("prompt", "workflow"):
                inner = both.get(name)
                if isinstance(inner, str):
                    inner = fields.json(inner)
                if isinstance(inner, dict):
                    yield field, name, inner


def _graph(value: Any) -> _Graph:
    """The nodes with a class: empty for anything that is no prompt of ComfyUI."""
    if not isinstance(value, dict):
        return {}
    return {
        key: node
        for key, node in value.items()
        if isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    }


def _is_workflow(value: Any) -> bool:
    """A drawn graph: nodes with a type, and links between them."""
    if not isinstance(value, dict) or not isinstance(value.get("nodes"), list):
        return False
    return any(isinstance(node, dict) and "type" in node for node in value["nodes"]) and (
        "links" in value or "last_node_id" in value
    )


def _generation(graph: _Graph) -> Generation:
    nodes = list(graph.values())
    sampler: dict[str, Any] = next((n["inputs"] for n in nodes if _samples(n)), {})
    guider = _linked(graph, sampler.get("guider")) or sampler
    schedule = _linked(graph, sampler.get("sigmas")) or sampler
    chosen = _linked(graph, sampler.get("sampler")) or sampler
    noise = _linked(graph, sampler.get("noise")) or sampler
    return Generation(
        generator="ComfyUI",
        model=values.named(_input(nodes, "ckpt_name") or _input(nodes, "unet_name")),
        prompt=_words(graph, guider, "positive"),
        negative_prompt=_words(graph, guider, "negative"),
        seed=_whole(graph, noise.get("noise_seed", noise.get("seed"))),
        sampler=values.joined(chosen.get("sampler_name"), schedule.get("scheduler")),
        steps=_whole(graph, schedule.get("steps")),
        cfg=values.number(guider.get("cfg", guider.get("guidance"))),
        size=_size(nodes),
    )


def _samples(node: _Node) -> bool:
    kind = node["class_type"]
    return "Sampler" in kind and ("positive" in node["inputs"] or "guider" in node["inputs"])


def _input(nodes: list[_Node], name: str) -> str:
    return next((t for n in nodes if (t := values.text(n["inputs"].get(name)))), "")


def _size(nodes: list[_Node]) -> tuple[int, int] | None:
    latents = (n["inputs"] for n in nodes if "Latent" in n["class_type"])
    sizes = (values.size(i.get("width"), i.get("height", 0)) for i in latents)
    return next((size for size in sizes if size), None)


def _linked(graph: _Graph, link: Any) -> dict[str, Any]:
    """The inputs of the node that a link `[node, output]` leads to."""
    if isinstance(link, list) and link and isinstance(link[0], str | int):
        node = graph.get(str(link[0]))
        return node["inputs"] if node else {}
    return {}


def _whole(graph: _Graph, value: Any) -> int | None:
    inputs = _linked(graph, value)
    return values.integer(inputs.get("seed", inputs.get("value")) if inputs else value)


def _words(graph: _Graph, inputs: dict[str, Any], side: str) -> str:
    """The text at the end of a chain of conditioning on one side, or of a chain of texts.

    A guider without sides has one conditioning, which is positive.
    """
    if side not in inputs and side == "negative":
        return ""
    for _ in range(_FOLLOWED):
        spoken = next((inputs[name] for name in _TEXTS if name in inputs), None)
        if isinstance(spoken, str):
            return values.text(spoken)
        inputs = _linked(graph, spoken or inputs.get(side, inputs.get("conditioning")))
    return ""
