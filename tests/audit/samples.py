"""Small pictures and datasets for audits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

GENERATED = (
    "a lighthouse\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, Model: x"
)


def picture(seed: int = 0, side: int = 64, kind: str = "PNG", *, claimed: bool = False) -> bytes:
    """A picture of coloured noise at several scales, with the parameters of a generator or not."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    if claimed:
        info.add_text("parameters", GENERATED)
    image.save(buffer, kind, **({"pnginfo": info} if kind == "PNG" else {"quality": 90}))
    return buffer.getvalue()


def folder(where: Path, count: int = 24) -> Path:
    """A folder with two splits and two classes; every fourth picture says it was generated."""
    for n in range(count):
        split, label = ("train", "test")[n % 2], ("cat", "dog")[n // 2 % 2]
        place = where / split / label
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n:04d}.png").write_bytes(picture(n, claimed=n % 4 == 0))
    return where


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
