"""OpenAI's image API: `/v1/images/generations`, `/edits` and `/variations`, and its many copies.

Source: platform.openai.com/docs/api-reference/images; the streamed events are
`image_generation.partial_image`, `image_generation.completed` and the same of `image_edit`.
"""

from __future__ import annotations

from typing import Any

from provenance._inputs import Inputs
from provenance.integrations import containers
from provenance.proxy import words
from provenance.proxy.apis.interface import Api, Link, every_link, pictures
from provenance.proxy.asked import Asked
from provenance.server.errors import Refusal, invalid

FORMATS = frozenset({"png", "jpeg", "webp"})


class OpenAIErrors(Api):
    """The form that errors have in all of OpenAI's APIs."""

    def shape(self, refusal: Refusal) -> dict[str, Any]:
        """As `openai.APIStatusError` reads it."""
        return {
            "error": {
                "message": refusal.message,
                "type": "invalid_request_error" if refusal.status < 500 else "server_error",
                "param": None,
                "code": refusal.code,
            }
        }


class OpenAIImages(OpenAIErrors):
    """Pictures from words, or from pictures and words."""

    def prompts(self, asked: Asked) -> list[str]:
        """The prompt, which generations and edits must have."""
        if not asked.path.rstrip("/").endswith("/variations") and not _is_text(
            asked.first("prompt")
        ):
            raise invalid("prompt is missing, or is not a text")
        return words.prompts(asked)

    def inputs(self, asked: Asked) -> Inputs:
        """The first picture of an edit is what is edited; others guide, as those of variations."""
        if asked.json is not None:
            # The mask says where, and is nobody's work.
            shown = [value for name, value in asked.json.items() if name != "mask"]
            given = [bytes(each) for each in containers.find(shown, strict=False).pictures]
        else:
            files = [(name, data) for name, data in asked.files if name != "mask"]
            given = pictures(Asked(asked.method, asked.path, files=files))
        if asked.path.rstrip("/").endswith("/edits") and given:
            return Inputs(given[0], given[1:])
        return Inputs(references=given)

    def wanted_format(self, asked: Asked) -> str | None:
        """`output_format`."""
        wanted = asked.first("output_format")
        return wanted if wanted in FORMATS else None

    def links(self, answer: Any) -> list[Link]:
        """`data[].url`: whatever it is called, it is a picture."""
        data = answer.get("data") if isinstance(answer, dict) else None
        named = [link for link in every_link(data) if link.key == "url"]
        known = {(id(link.owner), link.key) for link in named}
        others = [x for x in super().links(answer) if (id(x.owner), x.key) not in known]
        return [*named, *others]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
