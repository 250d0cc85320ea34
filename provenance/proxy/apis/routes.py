"""Which API a path belongs to. A wrong guess costs the form of an error, never the protection."""

from __future__ import annotations

import re

from provenance.proxy.apis.automatic1111 import Automatic1111
from provenance.proxy.apis.comfyui import ComfyUI
from provenance.proxy.apis.interface import Api
from provenance.proxy.apis.openai_chat import OpenAIChat
from provenance.proxy.apis.openai_images import OpenAIErrors, OpenAIImages
from provenance.proxy.apis.stability import Stability

_ROUTES: tuple[tuple[re.Pattern[str], Api], ...] = (
    (re.compile(r".*/images/(?:generations|edits|variations)/?"), OpenAIImages()),
    (re.compile(r".*/(?:chat/completions|responses(?:/[^/]*)?)/?"), OpenAIChat()),
    (re.compile(r".*/(?:v1/generation|v2(?:alpha|beta)|v1/(?:user|engines))/.*"), Stability()),
    (re.compile(r".*/(?:sdapi/v\d+|internal)/.*"), Automatic1111()),
    (
        re.compile(
            r"(?:/api)?/(?:prompt|view|history|queue|upload|ws|object_info|system_stats|interrupt"
            r"|free|embeddings|models|extensions|features|userdata|jobs)(?:/.*)?"
        ),
        ComfyUI(),
    ),
    (re.compile(r".*/v1/.*"), OpenAIErrors()),
)
_ANY = Api()


def api_of(path: str) -> Api:
    """The API of a path, however many slashes some other server between takes for one."""
    plain = re.sub("/+", "/", path).lower()
    return next((api for pattern, api in _ROUTES if pattern.fullmatch(plain)), _ANY)
