"""ComfyUI: a graph goes to `/prompt`, pictures are asked for at `/history` and `/view`.

Source: comfyanonymous/ComfyUI, server.py and execution.py.
"""

from __future__ import annotations

from typing import Any

from provenance._inputs import Inputs
from provenance.proxy.apis.interface import Api
from provenance.proxy.asked import Asked
from provenance.proxy.graphs import nodes
from provenance.proxy.words import prompts
from provenance.server.errors import Refusal, invalid


class ComfyUI(Api):
    """Graphs, and pictures that are fetched later."""

    def prompts(self, asked: Asked) -> list[str]:
        """All texts in a graph but names of files; what only goes to `negative` is negative."""
        if asked.method != "POST" or not asked.path.rstrip("/").endswith("/prompt"):
            return prompts(asked)
        graph = asked.json.get("prompt") if isinstance(asked.json, dict) else None
        found = nodes(graph)
        if not isinstance(graph, dict) or not found or len(found) != len(graph):
            raise invalid("prompt is missing, or is no graph of nodes with class_type and inputs")
        return prompts(asked)

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
