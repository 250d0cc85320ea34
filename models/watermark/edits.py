"""Edits of pictures beyond the benchmark's suite, and unmarked pictures with plain edits.

Those that users may try as well are in provenance/watermark/edits.py.
"""

from __future__ import annotations

# Every edit takes a generator, and most need none.
# ruff: noqa: ARG005
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from provenance.watermark.edits import (
    Edit,
    Pixels,
    coded,
    cropped,
    noisy,
    on_page,
    resized,
    scaled,
    shared_once,
    turned,
)

__all__ = ["BEYOND", "PLAIN", "coded", "cropped", "files", "load", "resized", "scaled", "turned"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


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


def letterboxed(pixels: Pixels) -> Pixels:
    """Black bars above and below, to 9:16."""
    height, width = pixels.shape[:2]
    tall = max(height, width * 16 // 9)
    result = np.zeros((tall, width, 3), np.uint8)
    top = (tall - height) // 2
    result[top : top + height] = pixels
    return result


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
"""Harder than the suite."""

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
