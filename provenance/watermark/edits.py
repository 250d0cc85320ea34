"""What happens to pictures on their way: re-coding, resizing, cropping, turning, filters, sharing.

Every edit takes uint8 RGB pixels and a generator, and returns uint8 RGB pixels.
"""

from __future__ import annotations

# Every edit takes a generator, and most need none.
# ruff: noqa: ARG005
import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from provenance.errors import ConfigError

Pixels = NDArray[np.uint8]
Edit = Callable[[Pixels, np.random.Generator], Pixels]


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
    h, w = max(1, round(height * keep**0.5)), max(1, round(width * keep**0.5))
    top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    return pixels[top : top + h, left : left + w].copy()


def noisy(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Gaussian noise."""
    return np.clip(np.rint(pixels + rng.normal(0, sigma, pixels.shape)), 0, 255).astype(np.uint8)


def filtered(pixels: Pixels, kernel: ImageFilter.Filter) -> Pixels:
    """Blurred, sharpened or smoothed by Pillow."""
    return np.asarray(Image.fromarray(pixels).filter(kernel))


def toned(pixels: Pixels, brightness: float = 1, contrast: float = 1, colour: float = 1) -> Pixels:
    """Brightness, contrast and colour by factors; 1 leaves them."""
    image = ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(brightness)
    image = ImageEnhance.Contrast(image).enhance(contrast)
    return np.asarray(ImageEnhance.Color(image).enhance(colour))


def on_page(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Placed somewhere on a white page with lines of text-like marks; `share` is of its side.

    The page has more than 80 columns.
    """
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


def shared_once(pixels: Pixels) -> Pixels:
    """Long edge to 1080, JPEG 75 with 4:2:0."""
    return coded(scaled(pixels, 1080 / max(pixels.shape[:2])), "JPEG", quality=75)


EDITS: dict[str, Edit] = {
    "none": lambda p, r: p,
    "jpeg-90": lambda p, r: coded(p, "JPEG", quality=90),
    "jpeg-75": lambda p, r: coded(p, "JPEG", quality=75),
    "jpeg-50": lambda p, r: coded(p, "JPEG", quality=50),
    "jpeg-30": lambda p, r: coded(p, "JPEG", quality=30),
    "webp-80": lambda p, r: coded(p, "WEBP", quality=80),
    "webp-50": lambda p, r: coded(p, "WEBP", quality=50),
    "avif-50": lambda p, r: coded(p, "AVIF", quality=50),
    "resize-75": lambda p, r: scaled(p, 0.75),
    "resize-50": lambda p, r: scaled(p, 0.5),
    "resize-150": lambda p, r: scaled(p, 1.5),
    "aspect-90": lambda p, r: scaled(p, 0.9, 1.0),
    "crop-90": lambda p, r: cropped(p, 0.9, r),
    "crop-50": lambda p, r: cropped(p, 0.5, r),
    "crop-25": lambda p, r: cropped(p, 0.25, r),
    "rotate-2": lambda p, r: turned(p, 2),
    "rotate-10": lambda p, r: turned(p, 10),
    "rotate-90": lambda p, r: np.ascontiguousarray(np.rot90(p)),
    "flip": lambda p, r: np.ascontiguousarray(p[:, ::-1]),
    "blur-1": lambda p, r: filtered(p, ImageFilter.GaussianBlur(1)),
    "blur-2": lambda p, r: filtered(p, ImageFilter.GaussianBlur(2)),
    "sharpen": lambda p, r: filtered(p, ImageFilter.UnsharpMask(2, 150, 3)),
    "median-3": lambda p, r: filtered(p, ImageFilter.MedianFilter(3)),
    "noise-5": lambda p, r: noisy(p, 5, r),
    "noise-10": lambda p, r: noisy(p, 10, r),
    "brightness-130": lambda p, r: toned(p, brightness=1.3),
    "contrast-70": lambda p, r: toned(p, contrast=0.7),
    "gray": lambda p, r: toned(p, colour=0),
    "screenshot": lambda p, r: on_page(scaled(p, 0.8), 0.7, r),
    "social": lambda p, r: shared_once(p),
    "social-twice": lambda p, r: coded(scaled(shared_once(p), 0.75), "JPEG", quality=70),
}
"""By name; numbers are qualities, per cent (of a side, for crops of the area), degrees, pixels."""


def chosen(names: Sequence[str]) -> dict[str, Edit]:
    """Edits by name or by family: `jpeg` stands for `jpeg-90`, `jpeg-75` and so on.

    Raises:
        ConfigError: no edit has such a name.
    """
    found: dict[str, Edit] = {}
    for name in names:
        some = {n: e for n, e in EDITS.items() if n == name or n.startswith(f"{name}-")}
        if not some:
            raise ConfigError(f"no edit is called {name!r}; there are {', '.join(EDITS)}")
        found |= some
    return found
