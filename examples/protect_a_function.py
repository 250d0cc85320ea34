"""Protect a function, and go on using what it returns as before.

provenance init && python examples/protect_a_function.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from provenance import Pipeline
from provenance.integrations.callables import assets_of, protect


@dataclass(frozen=True)
class Output:
    """What your model returns."""

    images: list[Image.Image]
    seed: int


def picture(prompt: str, seed: int) -> Image.Image:
    """Stands in for your model."""
    rng = np.random.default_rng([len(prompt), seed])
    smooth = np.kron(rng.uniform(60, 200, (16, 16, 3)), np.ones((32, 32, 1)))
    noisy = np.clip(smooth + rng.normal(0, 8, (512, 512, 1)), 0, 255)
    return Image.fromarray(noisy.astype(np.uint8))


def main() -> None:
    """Three kinds of generator."""
    pipeline = Pipeline.from_config()

    @protect(pipeline)
    def paint(prompt: str, *, count: int = 2) -> Output:
        return Output([picture(prompt, seed) for seed in range(count)], seed=0)

    @protect(pipeline, encoding=".webp")
    async def paint_later(prompt: str, init_image: Image.Image) -> Image.Image:
        await asyncio.sleep(0)
        return Image.blend(init_image, picture(prompt, 3), 0.5)

    @protect(pipeline)
    def paint_several(prompt: str) -> Iterator[Image.Image]:
        yield from (picture(prompt, seed) for seed in range(2))

    result = paint("coloured squares")
    print(f"{type(result).__name__}: {len(result.images)} pictures, seed {result.seed}")
    for number, asset in enumerate(assets_of(result)):
        path = asset.save(f"painting-{number}.png", overwrite=True)
        print(f"{path}  {asset.report.verdict.headline}")

    guide = picture("a sketch of yours", 0)
    guided = asyncio.run(paint_later("like this one", guide))
    inputs = assets_of(guided)[0].report.evidence[0].details["ingredients"]
    print(f"made from {len(inputs)} picture: {inputs[0]['relationship']}")

    for image in paint_several("one after the other"):
        print(f"{image.size[0]} pixels wide, watermark {assets_of(image)[0].watermark_id}")


if __name__ == "__main__":
    main()
