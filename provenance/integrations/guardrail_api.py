"""The endpoint that LiteLLM's guardrail `generic_guardrail_api` asks whether something may pass.

LiteLLM sends the words of requests, those for pictures among them. It neither sends the pictures of
an image model nor writes pictures back, so nothing can be protected here: put `provenance proxy`
between LiteLLM and the model, or use `provenance.integrations.litellm`. What this endpoint does see
of an answer has to be protected already, or the answer is blocked.

Source: docs.litellm.ai, Generic Guardrail API (beta); BerriAI/litellm 1.x,
`types/proxy/guardrails/guardrail_hooks/generic_guardrail_api.py`.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provenance.errors import (
    Blocked,
    HeldForReview,
    InputError,
    ModerationFailed,
    UnsupportedPicture,
)
from provenance.integrations.containers import find
from provenance.server.errors import Refusal, invalid
from provenance.server.pool import Pool
from provenance.server.request import media_type, read

if TYPE_CHECKING:
    from provenance.pipeline import Pipeline

__all__ = ["create_app"]

PATH = "/beta/litellm_basic_guardrail_api"

MAX_BODY = 64 << 20
SECONDS = 60.0
"""For a body to arrive, and for an answer."""

_LOG = logging.getLogger(__name__)


def create_app(pipeline: Pipeline, *, workers: int = 2, waiting: int = 64) -> Starlette:
    """The endpoint, `/healthz` and `/readyz`. Everybody who reaches it may ask.

    Args:
        pipeline: moderates the words; knows its own pictures.
        workers: requests that are judged at a time.
        waiting: that may wait beside these; more are told to come again.
    """
    pool = Pool("provenance-guardrail", workers, waiting, SECONDS)

    async def judge(request: Request) -> Response:
        try:
            body = await _body(request)
            answer = await pool.run(partial(_judged, pipeline, body))
        except Refusal as refusal:
            return JSONResponse(refusal.to_dict(), refusal.status, refusal.headers)
        except ClientDisconnect:
            return Response(status_code=400)
        return JSONResponse(answer)

    async def well(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [Route(PATH, judge, methods=["POST"]), Route("/healthz", well), Route("/readyz", well)]
    return Starlette(routes=routes)


async def _body(request: Request) -> dict[str, Any]:
    """The request, as far as it is used here.

    Raises:
        Refusal: it is not what LiteLLM sends. LiteLLM then blocks, unless it is told otherwise.
    """
    if media_type(request) != "application/json":
        raise invalid("the body must be application/json")
    pieces = await read(request, MAX_BODY, SECONDS, lambda _size: None)
    try:
        body = json.loads(b"".join(pieces))
    except (ValueError, RecursionError) as error:
        raise invalid("the body is not JSON") from error
    if not isinstance(body, dict) or body.get("input_type") not in ("request", "response"):
        raise invalid("input_type is neither request nor response")
    for name in ("texts", "images"):
        given = body.get(name)
        if given is not None and not (
            isinstance(given, list) and all(isinstance(each, str) for each in given)
        ):
            raise invalid(f"{name} is not a list of strings")
    return body


def _judged(pipeline: Pipeline, body: dict[str, Any]) -> dict[str, str]:
    """LiteLLM's answer: `NONE` lets it pass, `BLOCKED` does not."""
    try:
        if body["input_type"] == "request":
            together = "\n".join(text for text in body.get("texts") or () if text.strip())
            pipeline.check_prompts([together] if together else [])
        else:
            _require_protected(pipeline, body)
    except (Blocked, HeldForReview, InputError) as error:
        return {"action": "BLOCKED", "blocked_reason": str(error)}
    except ModerationFailed:
        _LOG.exception("a prompt could not be moderated")
        return {"action": "BLOCKED", "blocked_reason": "the prompt could not be moderated"}
    return {"action": "NONE"}


def _require_protected(pipeline: Pipeline, body: dict[str, Any]) -> None:
    """Every picture of an answer must be a finished one of ours.

    Raises:
        InputError: one is not, or cannot be read here.
    """
    images = body.get("images") or []
    pictures = find({"images": images, "texts": body.get("texts")}, strict=False).pictures
    seen = sum(bool(find([image], strict=False).pictures) for image in images)
    if seen != len(images) or not all(_issued(pipeline, picture) for picture in pictures):
        raise UnsupportedPicture(
            "the answer holds a picture that is not protected, and is not handed on"
        )


def _issued(pipeline: Pipeline, picture: Any) -> bool:
    return isinstance(picture, bytes) and pipeline.issued(picture)
