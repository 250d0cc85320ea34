"""A guardrail for LiteLLM's proxy: prompts are moderated, and pictures protected, for all models.

In LiteLLM's config.yaml:

    guardrails:
      - guardrail_name: provenance
        litellm_params:
          guardrail: provenance.integrations.litellm.ProvenanceGuardrail
          mode: [pre_call, post_call]

It runs on every request, whatever the client asks for or opts out of. Needs `litellm[proxy]`.

Source of the contract: BerriAI/litellm 1.x, `integrations/custom_guardrail.py`, `proxy/utils.py`.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from litellm.exceptions import GuardrailRaisedException  # type: ignore[import-not-found]
from litellm.integrations.custom_guardrail import (  # type: ignore[import-not-found]
    CustomGuardrail,
)
from litellm.types.guardrails import GuardrailEventHooks  # type: ignore[import-not-found]

from provenance._inputs import Inputs
from provenance.errors import (
    Blocked,
    ConfigError,
    HeldForReview,
    InputError,
    ProvenanceError,
    UnsupportedPicture,
)
from provenance.integrations._finished import finished
from provenance.integrations._threads import in_thread
from provenance.integrations.containers import find
from provenance.pipeline import Pipeline
from provenance.proxy.apis.openai_chat import OpenAIChat
from provenance.proxy.asked import Asked
from provenance.proxy.fetch import Fetcher
from provenance.proxy.limits import ProxyLimits
from provenance.server.errors import Refusal

__all__ = ["ProvenanceGuardrail", "Refused"]

_LOG = logging.getLogger(__name__)

_HOOKS = (GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call)

_SAID = ("messages", "input", "instructions", "prompt", "negative_prompt")

_NO_PICTURES = ("EmbeddingResponse", "RerankResponse", "TranscriptionResponse")
"""Answers that cannot hold pictures, by the names of LiteLLM's classes."""

_IN_TEXT = "data:image/"
_DEEPEST = 32


class Refused(GuardrailRaisedException):  # type: ignore[misc]
    """What the client is told; LiteLLM makes an error of OpenAI's shape from it.

    Attributes:
        status_code: of HTTP.
        code: for programs: `content_policy_violation`, `held_for_review`, ...
    """

    def __init__(self, name: str | None, status: int, code: str, message: str) -> None:
        super().__init__(
            guardrail_name=name, message=message, should_wrap_with_default_message=False
        )
        self.status_code = status
        self.code = code
        self.type = "invalid_request_error" if status < 500 else "internal_server_error"
        self.blocked_content = code == "content_policy_violation"


class ProvenanceGuardrail(CustomGuardrail):  # type: ignore[misc]
    """Moderates what pictures are asked for, and protects those that come.

    A configuration that cannot be used stops LiteLLM when it starts.

    Args:
        provenance_config: a `provenance.toml`; else the one that `PROVENANCE_CONFIG` names, or that
            `provenance init` wrote.
        picture_urls: what to do with pictures that an answer names by address: `refuse`, or `fetch`
            them, from public hosts over https alone, and hand on the protected files.
        pipeline: instead of one from the configuration.
        fetch: gets the bytes behind an address; for tests.
        **others: as LiteLLM gives them. `mode` and `default_on` change nothing.
    """

    def __init__(
        self,
        *,
        provenance_config: str | Path | None = None,
        picture_urls: str = "refuse",
        pipeline: Pipeline | None = None,
        fetch: Fetcher | None = None,
        **others: Any,
    ) -> None:
        if picture_urls not in ("refuse", "fetch"):
            raise ConfigError(f"picture_urls is {picture_urls!r}; expected refuse or fetch")
        others |= {"event_hook": list(_HOOKS), "default_on": True}
        super().__init__(supported_event_hooks=list(_HOOKS), **others)
        self._fetches = picture_urls == "fetch"
        self._fetch = fetch or Fetcher((), ProxyLimits())
        self._pipeline = pipeline or Pipeline.from_config(provenance_config)

    def should_run_guardrail(self, data: Any, event_type: GuardrailEventHooks) -> bool:
        """Always, before and after the call: a client cannot opt out."""
        del data
        return event_type in _HOOKS

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: Any
    ) -> dict[str, Any]:
        """Moderate the prompts of a request for pictures, before a model is called.

        Raises:
            Refused: 400, the policy says no, or the pictures would come in pieces.
        """
        del user_api_key_dict, cache
        if _for_pictures(data, str(call_type)):
            if data.get("stream") and "image" in str(call_type):
                raise self._refused(_STREAMED)
            await self._told(self._check, data)
        return data

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        """Protect the pictures of an answer: all, or it is not handed on.

        Raises:
            Refused: the policy says no, or a picture cannot be protected.
        """
        del user_api_key_dict
        if type(response).__name__ in _NO_PICTURES:
            return response
        await self._without_links(response)
        return await self._told(self._protected, data, response)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncIterator[Any]:
        """Protect each picture of a stream before it is handed on.

        Raises:
            Refused: as above, or a picture comes in pieces, inside the text.
        """
        del user_api_key_dict
        tail = ""
        async for item in response:
            await self._without_links(item)
            given = await self._told(self._protected, request_data, item) if _heavy(item) else item
            tail = tail[-len(_IN_TEXT) :] + _text(item)
            if _IN_TEXT in tail:
                raise self._refused(_STREAMED)
            yield given

    def _check(self, data: Mapping[str, Any]) -> None:
        self._pipeline.check_prompts(_prompts(data))

    def _protected(self, data: Mapping[str, Any], response: Any) -> Any:
        found = find(response, strict=False)
        if not found.pictures:
            if type(response).__name__ == "ImageResponse" and response.data:
                raise UnsupportedPicture("the model's answer holds no picture that is known here")
            return response
        known = finished(self._pipeline, found)
        new = [p for p, asset in zip(found.pictures, known, strict=True) if asset is None]
        # Even with nothing new: the prompts of a chat have not been checked yet.
        assets = iter(self._pipeline.protect(new, prompts=_prompts(data), inputs=_inputs(data)))
        made = found.replaced([None if asset is not None else next(assets) for asset in known])
        if hasattr(response, "_hidden_params"):  # LiteLLM's own notes, which it reads again
            made._hidden_params = response._hidden_params
        return made

    async def _without_links(self, response: Any) -> None:
        """Put what is behind addresses in their places."""
        for link in list(_links(response, 0)):
            if not self._fetches:
                raise self._refused(_BY_ADDRESS)
            try:
                data = await self._fetch(link.url)
            except Refusal as refusal:
                raise Refused(self.guardrail_name, 502, refusal.code, refusal.message) from refusal
            link.put(data)

    async def _told(self, work: Callable[..., Any], *given: Any) -> Any:
        """Work in a thread, whose failures become what clients may be told."""
        try:
            return await in_thread(partial(work, *given))
        except (Blocked, HeldForReview, InputError, Refusal) as error:
            raise self._refused(error) from error
        except ProvenanceError as error:
            _LOG.exception("a picture could not be protected")
            raise Refused(self.guardrail_name, 500, "protection_failed", _OUR_FAULT) from error

    def _refused(self, why: str | ProvenanceError) -> Refused:
        code = "invalid_request"
        if isinstance(why, Blocked):
            code = "content_policy_violation"
        elif isinstance(why, HeldForReview):
            code = "held_for_review"
        return Refused(self.guardrail_name, 400, code, str(why))


_STREAMED = "pictures that come in pieces cannot be protected; ask again without stream"
_BY_ADDRESS = (
    "the model's answer names pictures by address, which may be unprotected; ask for b64_json"
)
_OUR_FAULT = (
    "the picture could not be protected, and is not handed out; the operator finds why in the log"
)


def _for_pictures(data: Mapping[str, Any], call_type: str) -> bool:
    """True if pictures are plainly asked for. Other chats are moderated when one comes."""
    tools = data.get("tools")
    drawing = isinstance(tools, list) and any(
        isinstance(tool, Mapping) and "image" in str(tool.get("type")) for tool in tools
    )
    return "image" in call_type or drawing or "image" in (data.get("modalities") or ())


def _prompts(data: Mapping[str, Any]) -> list[str]:
    """Everything that is said to the model, as one prompt."""
    said = {name: data[name] for name in _SAID if data.get(name) is not None}
    if "prompt" in said:
        said.pop("messages", None)  # LiteLLM's copy of it
    return OpenAIChat().prompts(Asked("POST", "/", json=said))


def _inputs(data: Mapping[str, Any]) -> Inputs:
    """The pictures of an edit: one is the parent of the result, several are its inputs."""
    given = data.get("image")
    if not isinstance(given, list) or not given:
        return Inputs()
    files = [_bytes(each) for each in given]
    return Inputs(edited=files[0]) if len(files) == 1 else Inputs(references=files)


def _bytes(given: Any) -> Any:
    """The bytes of an upload, which stays where it was."""
    return given.getvalue() if hasattr(given, "getvalue") else given


@dataclass(frozen=True, slots=True)
class _Link:
    """An address of a picture in an answer."""

    url: str
    put: Callable[[bytes], None]


def _links(value: Any, depth: int) -> Iterator[_Link]:
    """`url` of pictures, and `image_url`, wherever they are; a link in a sentence is left alone."""
    if depth > _DEEPEST or value is None or isinstance(value, str | bytes | int | float):
        return
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _links(inner, depth + 1)
        return
    fields = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
    url = fields.get("url")
    if _away(url) and "b64_json" in fields:
        yield _Link(url, partial(_as_base64, value))
    image = fields.get("image_url")
    if _away(image):
        yield _Link(image, partial(_as_data_url, value, "image_url"))
    elif image is not None:
        inner = image if isinstance(image, Mapping) else getattr(image, "__dict__", {})
        if _away(inner.get("url")):
            yield _Link(inner["url"], partial(_as_data_url, image, "url"))
    for name, inner in list(fields.items()):
        if name not in ("image_url", "_hidden_params"):
            yield from _links(inner, depth + 1)


def _away(url: Any) -> TypeGuard[str]:
    return isinstance(url, str) and bool(url) and not url.startswith("data:")


def _as_base64(owner: Any, data: bytes) -> None:
    _set(owner, "b64_json", base64.b64encode(data).decode())
    _set(owner, "url", None)


def _as_data_url(owner: Any, name: str, data: bytes) -> None:
    from provenance.verify.media import media_type

    text = base64.b64encode(data).decode()
    _set(owner, name, f"data:{media_type(data)};base64,{text}")


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)


def _heavy(item: Any) -> bool:
    """True if a piece of a stream is large enough to hold a picture."""
    dump = getattr(item, "model_dump_json", None)
    return len(dump() if dump is not None else repr(item)) > 256


def _text(item: Any) -> str:
    """The words of a piece of a stream."""
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    words = []
    for choice in getattr(item, "choices", None) or ():
        content = getattr(getattr(choice, "delta", None), "content", None)
        words.append(content if isinstance(content, str) else "")
    delta = getattr(item, "delta", None)
    return "".join(words) + (delta if isinstance(delta, str) else "")
