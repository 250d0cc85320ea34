"""What people do to photographs without any generator: a detector must not fall for it.

retouched: smoothed skin-deep (median), sharpened, more contrast and colour, as beauty filters do
captioned: large white letters with black outlines above and below, as memes have
in a window: shown on a screen, smaller, with a title bar, buttons and text around it
scanned: printed with fewer colours, slightly turned on paper, blurred, with grain
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from provenance import Picture

_WORDS = (
    "WHEN YOU SEE IT",
    "NOBODY:",
    "ME AT 3 AM",
    "ONE DOES NOT SIMPLY",
    "SUCH WOW",
    "BRACE YOURSELF",
)


def retouched(picture: Picture, seed: int) -> Picture:
    """A beauty filter."""
    rng = np.random.default_rng(seed)
    image = picture.to_pil().convert("RGB")
    smooth = image.filter(ImageFilter.MedianFilter(5))
    image = Image.blend(image, smooth, rng.uniform(0.5, 0.8))
    image = ImageOps.autocontrast(image, cutoff=0.5)
    image = ImageEnhance.Color(image).enhance(rng.uniform(1.15, 1.4))
    sharp = image.filter(ImageFilter.UnsharpMask(2, int(rng.integers(60, 120)), 2))
    return Picture.from_array(np.asarray(sharp))


def captioned(picture: Picture, seed: int) -> Picture:
    """A meme."""
    rng = np.random.default_rng(seed)
    image = picture.to_pil().convert("RGB")
    draw = ImageDraw.Draw(image)
    size = max(14, image.width // 12)
    font = ImageFont.load_default(size)
    for y, anchor in ((size // 3, "ma"), (image.height - size // 3, "md")):
        words = str(rng.choice(_WORDS))
        draw.text(
            (image.width // 2, y),
            words,
            "white",
            font,
            anchor,
            stroke_width=max(1, size // 12),
            stroke_fill="black",
        )
    return Picture.from_array(np.asarray(image))


def in_a_window(picture: Picture, seed: int) -> Picture:
    """A screenshot with the photograph in it, which takes two thirds of the width or more."""
    rng = np.random.default_rng(seed)
    image = picture.to_pil().convert("RGB")
    image.thumbnail((900, 700), Image.Resampling.LANCZOS)
    dark = rng.random() < 0.5
    back, front = ((32, 33, 36), (220, 220, 220)) if dark else ((243, 243, 243), (40, 40, 40))
    side, top = int(rng.integers(40, max(41, image.width // 3))), int(rng.integers(40, 90))
    page = Image.new("RGB", (image.width + 2 * side, image.height + top + 120), back)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, top // 2), fill=tuple(c // 2 + 60 for c in back))
    for at, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((10 + 20 * at, 8, 22 + 20 * at, 20), fill=colour)
    page.paste(image, (side, top))
    font = ImageFont.load_default(14)
    for line in range(4):
        words = " ".join(str(rng.choice(_WORDS)).lower() for _ in range(3))
        draw.text((side, top + image.height + 12 + 22 * line), words, front, font)
    return Picture.from_array(np.asarray(page))


def scanned(picture: Picture, seed: int) -> Picture:
    """A print on paper, laid on a scanner by hand."""
    rng = np.random.default_rng(seed)
    image = picture.to_pil().convert("RGB")
    image.thumbnail((1200, 1200), Image.Resampling.LANCZOS)
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.75, 0.9))
    border = int(0.04 * max(image.size))
    paper = ImageOps.expand(image, border, (246, 243, 236))
    paper = paper.rotate(
        float(rng.uniform(-1.5, 1.5)), Image.Resampling.BICUBIC, fillcolor=(246, 243, 236)
    )
    paper = paper.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.9)))
    values = np.asarray(paper, np.float32)
    screen = np.indices(values.shape[:2]).sum(axis=0) % 2 * 2 - 1
    values = values * 0.93 + 12 + 2.0 * screen[..., None] + rng.normal(0, 4, values.shape)
    return Picture.from_array(np.clip(np.rint(values), 0, 255).astype(np.uint8))


EDITS: dict[str, Callable[[Picture, int], Picture]] = {
    "retouched": retouched,
    "captioned": captioned,
    "in a window": in_a_window,
    "scanned": scanned,
}
