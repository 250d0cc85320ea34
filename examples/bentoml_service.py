"""A BentoML service whose pictures are protected.

provenance init && bentoml serve examples/bentoml_service.py:Painter
curl -o castle.png -H 'content-type: application/json' -d '{"prompt": "a castle"}' \
    localhost:3000/paint
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import bentoml
import numpy as np
from bentoml.exceptions import InvalidArgument
from bentoml.validators import ContentType

from provenance import Blocked, Pipeline
from provenance.integrations.callables import assets_of, protect


def model(prompt: str) -> np.ndarray:
    """Stands in for your model."""
    rng = np.random.default_rng(len(prompt))
    smooth = np.kron(rng.uniform(60, 200, (16, 16, 3)), np.ones((16, 16, 1)))
    return np.clip(smooth + rng.normal(0, 8, (256, 256, 1)), 0, 255).astype(np.uint8)


@bentoml.service
class Painter:
    """One pipeline for each worker."""

    def __init__(self) -> None:
        self.model = protect(Pipeline.from_config(), model)

    @bentoml.api
    def paint(self, prompt: str, ctx: bentoml.Context) -> Annotated[Path, ContentType("image/png")]:
        """A file, not a `PIL.Image`: BentoML would write that anew, without its credentials."""
        try:
            (asset,) = assets_of(self.model(prompt))
        except Blocked as refused:
            raise InvalidArgument(str(refused)) from refused
        return asset.save(Path(ctx.temp_dir) / "picture.png")
