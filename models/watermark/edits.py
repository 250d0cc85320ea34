"""Edits of pictures beyond the benchmark's suite, and unmarked pictures with plain edits.

Every edit takes uint8 RGB pixels and a generator, and returns uint8 RGB pixels.
"""

from __future__ import annotations

# Every edit takes a generator, and most need none.
# ruff: noqa: ARG005
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Edit = Callable[[Pixels, np.random.Generator], Pixels]
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def coded(pixels: Pixels, format_: str, **options: int) -> Pixels:
    """Written in a lossy format and read back."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resized(pixels: Pixels, width: float, height: float) -> Pixels:
    """Lanczos down, bicubic up."""
    down = width * height < pixels.shape[0] * pixels.shape[1]
    how = Image.Resampling.LANCZOS if down else Image.Resampling.BICUBIC
    size = (max(8, round(width)), max(8, round(height)))
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def scaled(pixels: Pixels, across: float, down: float | None = None) -> Pixels:
    """By factors."""
    down = across if down is None else down
    return resized(pixels, pixels.shape[1] * across, pixels.shape[0] * down)


def turned(pixels: Pixels, degrees: float, *, grow: bool = False) -> Pixels:
    """Rotated, with black corners; `grow` keeps all of the picture."""
    image = Image.fromarray(pixels)
    return np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC, expand=grow))


def cropped(pixels: Pixels, keep: float, rng: np.random.Generator) -> Pixels:
    """A random window with this share of the area."""
    height, width = pixels.shape[:2]
    h, w = round(height * keep**0.5), round(width * keep**0.5)
    top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    return pixels[top : top + h, left : left + w].copy()


def sheared(pixels: Pixels, degrees: float) -> Pixels:
    """Rows slide sideways."""
    slope = float(np.tan(np.deg2rad(degrees)))
    height, width = pixels.shape[:2]
    matrix = (1, slope, -slope * height / 2, 0, 1, 0)
    image = Image.fromarray(pixels)
    how = Image.Transform.AFFINE
    return np.asarray(image.transform((width, height), how, matrix, Image.Resampling.BICUBIC))


def perspective(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Every corner moves by up to `share` of the sides."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    moved = corners + rng.uniform(-share, share, (4, 2)) * [width, height]
    rows, right = [], []
    for (x, y), (u, v) in zip(moved, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    matrix = np.linalg.solve(np.array(rows), np.array(right)).tolist()
    image = Image.fromarray(pixels)
    how = Image.Transform.PERSPECTIVE
    return np.asarray(image.transform((width, height), how, matrix, Image.Resampling.BICUBIC))


def on_page(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Placed somewhere on a white page with lines of text-like marks; `share` is of its side."""
    height, width = pixels.shape[:2]
    page = np.full((round(height / share), round(width / share), 3), 255, np.uint8)
    for _ in range(60):
        top = int(rng.integers(0, page.shape[0] - 12))
        left = int(rng.integers(0, page.shape[1] // 2))
        length = int(rng.integers(40, page.shape[1] // 2))
        page[top : top + 8, left : left + length : 3] = 40
    top = int(rng.integers(0, page.shape[0] - height + 1))
    left = int(rng.integers(0, page.shape[1] - width + 1))
    page[top : top + height, left : left + width] = pixels
    return page


def letterboxed(pixels: Pixels) -> Pixels:
    """Black bars above and below, to 9:16."""
    height, width = pixels.shape[:2]
    tall = max(height, width * 16 // 9)
    result = np.zeros((tall, width, 3), np.uint8)
    top = (tall - height) // 2
    result[top : top + height] = pixels
    return result


def noisy(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Gaussian noise."""
    return np.clip(np.rint(pixels + rng.normal(0, sigma, pixels.shape)), 0, 255).astype(np.uint8)


def shared_once(pixels: Pixels) -> Pixels:
    """Long edge to 1080, JPEG 75 with 4:2:0."""
    return coded(scaled(pixels, 1080 / max(pixels.shape[:2])), "JPEG", quality=75)


BEYOND: dict[str, Edit] = {
    "aspect 0.9": lambda p, r: scaled(p, 0.9, 1.0),
    "aspect 1.1": lambda p, r: scaled(p, 1.1, 1.0),
    "shear 3°": lambda p, r: sheared(p, 3),
    "perspective 1 %": lambda p, r: perspective(p, 0.01, r),
    "perspective 3 %": lambda p, r: perspective(p, 0.03, r),
    "inverted colours": lambda p, r: 255 - p,
    "rotated by any angle": lambda p, r: turned(p, float(r.uniform(0, 360))),
    "rotated by any angle, JPEG 75": lambda p, r: coded(
        turned(p, float(r.uniform(0, 360)), grow=True), "JPEG", quality=75
    ),
    "crop to 10 %": lambda p, r: cropped(p, 0.1, r),
    "AVIF 50": lambda p, r: coded(p, "AVIF", quality=50),
    "shared twice": lambda p, r: coded(scaled(shared_once(p), 0.75), "JPEG", quality=70),
    "letterbox 9:16": lambda p, r: letterboxed(p),
    "on a page, 60 % of its side": lambda p, r: on_page(p, 0.6, r),
    "on a page, 40 % of its side": lambda p, r: on_page(p, 0.4, r),
    "resize 0.25": lambda p, r: scaled(p, 0.25),
    "resize 2": lambda p, r: scaled(p, 2),
    "noise 20": lambda p, r: noisy(p, 20, r),
    "JPEG 10": lambda p, r: coded(p, "JPEG", quality=10),
    "WebP 20": lambda p, r: coded(p, "WEBP", quality=20),
    "rotate 7°, crop 60 %, resize 0.6, JPEG 60": lambda p, r: coded(
        scaled(cropped(turned(p, 7), 0.6, r), 0.6), "JPEG", quality=60
    ),
}
"""What issue 3 asks for beyond the suite, and harder."""

PLAIN: dict[str, Edit] = {
    "as is": lambda p, r: p,
    "JPEG 50": lambda p, r: coded(p, "JPEG", quality=50),
    "half size": lambda p, r: scaled(p, 0.5),
    "rotated 5°": lambda p, r: turned(p, 5),
    "crop to 50 %": lambda p, r: cropped(p, 0.5, r),
    "noise 10": lambda p, r: noisy(p, 10, r),
}
"""Edits for unmarked pictures."""


def load(path: Path, longest: int = 1600) -> Pixels:
    """A picture as RGB, shrunk if its long side exceeds `longest`."""
    image = Image.open(path).convert("RGB")
    if max(image.size) > longest:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(image)


def files(folders: list[Path]) -> list[Path]:
    """All pictures below the folders, in a fixed order."""
    return sorted(p for f in folders for p in f.rglob("*") if p.suffix.lower() in SUFFIXES)


def unmarked_versions(folders: list[Path]) -> Iterator[tuple[str, Pixels]]:
    """Every picture once plain or with one of the plain edits, then again with the next edit."""
    names = list(PLAIN)
    paths = files(folders)
    for turn in range(len(names)):
        for number, path in enumerate(paths):
            name = names[(number + turn) % len(names)]
            try:
                pixels = load(path)
            except (OSError, ValueError):
                continue
            if min(pixels.shape[:2]) < 64:
                continue
            rng = np.random.default_rng([turn, number])
            yield f"{path.name}, {name}", np.ascontiguousarray(PLAIN[name](pixels, rng))
