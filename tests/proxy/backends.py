"""Servers of generated pictures for the proxy to stand before: real ones, on loopback.

Each speaks the part of its API that matters. `Backend.asked` has what reached them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Backend:
    """One server with all APIs.

    Attributes:
        picture: what it makes, as bytes of a file.
        asked: path and body of each request.
        url: where it answers, for APIs that name their pictures by address.
        answers: by path, what to answer instead.
    """

    picture: bytes
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    heads: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def b64(self) -> str:
        return base64.b64encode(self.picture).decode()

    def app(self) -> Starlette:
        return Starlette(
            routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "PUT", "DELETE"])]
        )

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        path = request.url.path
        self.asked.append((path, body))
        self.heads.append(request.headers.raw)
        special = self.answers.get(path)
        if special is not None:
            return special if isinstance(special, Response) else await special(request, body)
        for ending, how in self._known().items():
            if path.endswith(ending):
                return how(request, body)
        return JSONResponse({"detail": "Not Found"}, 404)

    def _known(self):
        return {
            "/images/generations": self._images,
            "/images/edits": self._images,
            "/images/variations": self._images,
            "/chat/completions": self._chat,
            "/responses": self._responses,
            "/v1/models": lambda r, b: JSONResponse({"object": "list", "data": [{"id": "m"}]}),
            "/stable-image/generate/core": self._stability,
            "/stable-image/edit/inpaint": self._stability,
            "/text-to-image": lambda r, b: JSONResponse(
                {"artifacts": [{"base64": self.b64, "seed": 1, "finishReason": "SUCCESS"}]}
            ),
            "/sdapi/v1/txt2img": self._a1111,
            "/sdapi/v1/img2img": self._a1111,
            "/sdapi/v1/progress": lambda r, b: JSONResponse(
                {"progress": 0.5, "current_image": self.b64, "state": {"job": "x"}}
            ),
            "/prompt": lambda r, b: JSONResponse({"prompt_id": "p1", "number": 1}),
            "/history/p1": lambda r, b: JSONResponse(
                {"p1": {"outputs": {"9": {"images": [{"filename": "a.png", "type": "output"}]}}}}
            ),
            "/view": lambda r, b: Response(self.picture, media_type="image/png"),
            "/picture": lambda r, b: Response(
                self.picture, media_type="image/png", headers={"ETag": '"x"', "X-Seed": "7"}
            ),
            "/files/a.png": lambda r, b: Response(self.picture, media_type="image/png"),
        }

    def _images(self, request: Request, body: bytes) -> Response:
        form = b"form-data" in request.headers.get("content-type", "").encode()
        wish = {} if form else json.loads(body)
        if wish.get("stream"):
            kind = "image_edit" if request.url.path.endswith("edits") else "image_generation"
            return events(
                {"type": f"{kind}.partial_image", "b64_json": self.b64, "partial_image_index": 0},
                {"type": f"{kind}.completed", "b64_json": self.b64, "usage": {"total_tokens": 3}},
            )
        if wish.get("response_format") == "url":
            one = {"url": self.url + "/files/a.png"}
        else:
            one = {"b64_json": self.b64, "revised_prompt": "as it was drawn"}
        return JSONResponse({"created": 1700000000, "data": [one] * wish.get("n", 1)})

    def _chat(self, request: Request, body: bytes) -> Response:
        wish = json.loads(body)
        text = wish["messages"][-1]["content"]
        if wish.get("stream"):
            return events(
                chunk({"role": "assistant", "content": "Here: "}),
                chunk({"images": [{"type": "image_url", "image_url": {"url": self.data_url}}]}),
                "[DONE]",
            )
        if text == "hello":
            said: Any = "Hello to you."
        elif text == "linked":
            said = [
                {"type": "image_url", "image_url": {"url": self.url + "/files/a.png?sig=1"}},
            ]
        else:
            said = [
                {"type": "text", "text": "Here it is"},
                {"type": "image_url", "image_url": {"url": self.data_url}},
            ]
        choice = {"index": 0, "message": {"role": "assistant", "content": said}}
        choice["finish_reason"] = "stop"
        return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                             "choices": [choice]})  # fmt: skip

    def _responses(self, request: Request, body: bytes) -> Response:
        call = {"type": "image_generation_call", "id": "ig", "status": "completed",
                "result": self.b64}  # fmt: skip
        whole = {"id": "r", "object": "response", "output": [call], "tools": [], "model": "m",
                 "created_at": 1, "parallel_tool_calls": False, "tool_choice": "auto"}  # fmt: skip
        if json.loads(body).get("stream"):
            return events(
                {"type": "response.image_generation_call.partial_image",
                 "partial_image_b64": self.b64, "partial_image_index": 0, "item_id": "ig",
                 "output_index": 0, "sequence_number": 1},
                {"type": "response.output_item.done", "item": call, "output_index": 0,
                 "sequence_number": 2},
                {"type": "response.completed", "response": whole, "sequence_number": 3},
            )  # fmt: skip
        return JSONResponse(whole)

    def _stability(self, request: Request, body: bytes) -> Response:
        if "json" in request.headers.get("accept", ""):
            return JSONResponse({"image": self.b64, "finish_reason": "SUCCESS", "seed": 1})
        return Response(self.picture, media_type="image/png", headers={"Seed": "1"})

    def _a1111(self, request: Request, body: bytes) -> Response:
        wish = json.loads(body)
        info = json.dumps({"prompt": wish.get("prompt", ""), "seed": 1})
        return JSONResponse({"images": [self.b64], "parameters": wish, "info": info})

    @property
    def data_url(self) -> str:
        return f"data:image/png;base64,{self.b64}"


def chunk(delta: dict[str, Any]) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}  # fmt: skip


def events(*said: Any, pause: float = 0.0) -> Response:
    async def stream():
        for each in said:
            name = f"event: {each['type']}\n" if isinstance(each, dict) and "type" in each else ""
            text = each if isinstance(each, str) else json.dumps(each)
            yield f"{name}data: {text}\n\n"
            await asyncio.sleep(pause)

    return StreamingResponse(stream(), media_type="text/event-stream")


__all__ = ["Backend", "PlainTextResponse", "chunk", "events"]
