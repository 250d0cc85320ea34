"""Chat completions and responses, in which pictures occur among the words.

Source: platform.openai.com/docs/api-reference/chat and /responses. Servers of picture models answer
with content parts `{"type": "image_url", "image_url": {"url": "data:..."}}` (vLLM-Omni), or with
`message.images` (OpenRouter); responses have items of type `image_generation_call`.
"""

from __future__ import annotations

from typing import Any

from provenance.proxy.apis.interface import Link, every_link
from provenance.proxy.apis.openai_images import OpenAIErrors
from provenance.proxy.asked import Asked
from provenance.proxy.words import bounded, prompts
from provenance.server.errors import invalid

_DEEPEST = 64
_SAID = ("messages", "input", "instructions", "prompt")
_TEXTS = (
    "text",
    "content",
    "input_text",
    "output",
    "arguments",
    "tool_calls",
    "function",
    "summary",
)


class OpenAIChat(OpenAIErrors):
    """Words with pictures. Everything that is said to the model is moderated as one prompt.

    All roles are: a client writes every one of them, and a picture may come from any.
    """

    def prompts(self, asked: Asked) -> list[str]:
        """What is said, in order, and fields of the name `prompt`."""
        if asked.method not in ("POST", "PUT", "PATCH"):
            return prompts(asked)
        if not isinstance(asked.json, dict):
            raise invalid("the body is not a JSON object")
        said: list[str] = []
        for name in _SAID:
            _collect(asked.json.get(name), said, 0)
        others = Asked(
            asked.method,
            asked.path,
            asked.fields,
            json={name: value for name, value in asked.json.items() if name not in _SAID},
        )
        together = "\n".join(text for text in said if text.strip())
        return [*([bounded(together)] if together else []), *prompts(others)]

    def links(self, answer: Any) -> list[Link]:
        """`image_url` and `images`, wherever they are; a link in a sentence is left alone."""
        found = [
            link
            for link in every_link(answer)
            if link.key == "image_url" or (link.key == "url" and "detail" not in link.owner)
        ]
        parts = {id(part) for part in _image_parts(answer, 0)}
        kept = [link for link in found if link.key == "image_url" or id(link.owner) in parts]
        known = {(id(link.owner), link.key) for link in kept}
        return [*kept, *(x for x in super().links(answer) if (id(x.owner), x.key) not in known)]


def _image_parts(value: Any, depth: int) -> list[Any]:
    """The objects that stand under `image_url`, `image` or `images`."""
    if depth > _DEEPEST:
        return []
    found: list[Any] = []
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in ("image_url", "image", "images"):
            found += inner if isinstance(inner, list) else [inner]
        found += _image_parts(inner, depth + 1)
    for inner in value if isinstance(value, list) else ():
        found += _image_parts(inner, depth + 1)
    return found


def _collect(value: Any, said: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise invalid(f"the JSON body is nested deeper than {_DEEPEST} levels")
    if isinstance(value, str):
        said.append(value)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, said, depth + 1)
    elif isinstance(value, dict):
        for name in _TEXTS:
            if name in value:
                _collect(value[name], said, depth + 1)
        if isinstance(value.get("variables"), dict):  # of a prompt that is kept at the upstream
            _collect(list(value["variables"].values()), said, depth + 1)
