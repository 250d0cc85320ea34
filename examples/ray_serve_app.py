"""A Ray Serve application whose pictures are protected.

provenance init && serve run examples.ray_serve_app:app
curl -o castle.png 'localhost:8000/?prompt=a%20castle'
"""

from __future__ import annotations

import asyncio

import numpy as np
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from provenance import Blocked, Pipeline
from provenance.integrations.callables import assets_of, protect


def model(prompt: str) -> np.ndarray:
    """Stands in for your model."""
    rng = np.random.default_rng(len(prompt))
    smooth = np.kron(rng.uniform(60, 200, (16, 16, 3)), np.ones((16, 16, 1)))
    return np.clip(smooth + rng.normal(0, 8, (256, 256, 1)), 0, 255).astype(np.uint8)


@serve.deployment(ray_actor_options={"num_cpus": 1})
class Painter:
    """One pipeline for each replica, which is loaded where the replica runs."""

    def __init__(self, config: str | None = None) -> None:
        self.model = protect(Pipeline.from_config(config), model)

    def paint(self, prompt: str) -> Response:
        """The finished bytes: an array that goes to another replica carries no credentials."""
        try:
            (asset,) = assets_of(self.model(prompt))
        except Blocked as refused:
            return JSONResponse({"error": str(refused)}, 400)
        return Response(asset.data, media_type=asset.media_type)

    async def __call__(self, request: Request) -> Response:
        """In a thread, so that the replica's event loop never waits."""
        return await asyncio.to_thread(self.paint, request.query_params.get("prompt", ""))


app = Painter.bind()
