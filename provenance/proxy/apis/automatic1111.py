"""AUTOMATIC1111's Stable Diffusion web UI, and Forge, SD.Next and others: `/sdapi/v1/...`.

Source: AUTOMATIC1111/stable-diffusion-webui, modules/api/api.py and models.py.
"""

from __future__ import annotations

from typing import Any

from provenance._inputs import Inputs
from provenance.integrations import containers
from provenance.proxy.apis.interface import Api
from provenance.proxy.asked import Asked, texts
from provenance.proxy.words import bounded, prompts
from provenance.server.errors import Refusal

_PREVIEWS = ("current_image", "live_preview")
_ECHOED = ("init_images", "mask", "image", "imageList")


class Automatic1111(Api):
    """txt2img, img2img, extras; progress without its previews."""

    def prompts(self, asked: Asked) -> list[str]:
        """All fields called `..prompt`, and what is handed to scripts, which may hold prompts."""
        found = prompts(asked)
        if isinstance(asked.json, dict):
            scripts = asked.json.get("alwayson_scripts")
            handed = [*texts(asked.json.get("script_args"))]
            for script in scripts.values() if isinstance(scripts, dict) else ():
                if isinstance(script, dict):
                    handed += texts(script.get("args"))
            # Words alone: pictures are handed over in base64.
            words = "\n".join(
                text for text in handed if not containers.find(text, strict=False).pictures
            )
            found += [bounded(words)] if words.strip() else []
        return found

    def inputs(self, asked: Asked) -> Inputs:
        """With a mask, or in extras, the first picture is edited; else pictures guide."""
        body = asked.json if isinstance(asked.json, dict) else {}
        first = [body.get(name) for name in ("init_images", "image", "imageList")]
        rest = {n: v for n, v in body.items() if n not in _ECHOED}
        given = [bytes(each) for each in containers.find([first, rest], strict=False).pictures]
        altered = body.get("mask") or "/extra-" in asked.path
        return Inputs(given[0], given[1:]) if given and altered else Inputs(references=given)

    def without_previews(self, answer: Any) -> bool:
        """Previews of a picture in the making, and the client's own pictures that are repeated."""
        if not isinstance(answer, dict):
            return False
        changed = False
        for owner, names in ((answer, _PREVIEWS), (answer.get("parameters"), _ECHOED)):
            if not isinstance(owner, dict):
                continue
            for name in names:
                if owner.get(name):
                    owner[name] = None
                    changed = True
        return changed

    def shape(self, refusal: Refusal) -> dict[str, Any]:
        """As its `handle_exception` writes them."""
        return {
            "error": refusal.code,
            "detail": refusal.message,
            "body": "",
            "errors": refusal.message,
        }
