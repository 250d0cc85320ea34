"""A web application that paints, and the middleware around it: no picture leaves unprotected.

provenance init && uvicorn --app-dir examples protect_a_web_app:app

    curl localhost:8000/paint -o cat.png && provenance verify cat.png
    curl localhost:8000/v1/images -H 'content-type: application/json' -d '{"prompt": "squares"}'
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provenance import Pipeline
from provenance.integrations.asgi import ProtectImages


def paint(prompt: str) -> bytes:
    """Stands in for your model."""
    rng = np.random.default_rng(len(prompt))
    smooth = np.kron(rng.uniform(60, 200, (16, 16, 3)), np.ones((32, 32, 1)))
    pixels = np.clip(smooth + rng.normal(0, 8, (512, 512, 1)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def picture(request: Request) -> Response:
    return Response(paint(request.query_params.get("prompt", "")), media_type="image/png")


async def api(request: Request) -> JSONResponse:
    asked = await request.json()
    return JSONResponse({"data": [{"b64_json": base64.b64encode(paint(asked["prompt"])).decode()}]})


app = Starlette(
    routes=[Route("/paint", picture), Route("/v1/images", api, methods=["POST"])],
    middleware=[Middleware(ProtectImages, pipeline=Pipeline.from_config())],
)
