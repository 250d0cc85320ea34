"""The views of a picture that its pixels are judged by: equal in size and compression.

Format, size and aspect tell generated pictures from photographs in every collection, and say
nothing about the next one. So each view is a square of 224 pixels that has just been through JPEG:
whatever the file was, the detector sees the same.
"""

from __future__ import annotations

import io

from PIL import Image

from provenance.detect.backbone import SIDE
from provenance.picture import Picture

_SHRUNK = 256
"""Shorter side of the shrunk view, of which the middle is taken."""

_LONGEST = 4
"""Pictures with a longer side of more times the shorter one are cut to their middle first."""

_LARGEST = 1024
"""Pictures with a longer shorter side are first reduced to this, so that a crop shows something."""

QUALITY = 90
"""JPEG quality of the views."""

AGAIN = 75
"""JPEG quality of the view that shows whether the verdict survives another re-encoding."""


def views(picture: Picture) -> tuple[Image.Image, ...]:
    """The whole picture shrunk, three crops of it, and the shrunk one compressed harder.

    Args:
        picture: of any size; one under 256 pixels is enlarged.

    Returns:
        Five RGB views of `SIDE`×`SIDE`; `SHRUNK`, `CROPS` and `HARDER` say which is which.
    """
    whole = _squarer(Image.fromarray(picture.pixels))
    shrunk = with_side(whole, _SHRUNK)
    native = whole
    if min(whole.size) < _SHRUNK:
        native = shrunk
    elif min(whole.size) > _LARGEST:
        native = with_side(whole, _LARGEST)
    native = compressed(native, QUALITY)
    width, height = native.size
    corners = (
        ((width - SIDE) // 2, (height - SIDE) // 2),
        (0, 0),
        (width - SIDE, height - SIDE),
    )
    return (
        middle(compressed(shrunk, QUALITY)),
        *(native.crop((x, y, x + SIDE, y + SIDE)) for x, y in corners),
        middle(compressed(shrunk, AGAIN)),
    )


SHRUNK, CROPS, HARDER = 0, slice(1, 4), 4


def _squarer(image: Image.Image) -> Image.Image:
    width, height = image.size
    limit = _LONGEST * min(width, height)
    if max(width, height) <= limit:
        return image
    across, down = min(width, limit), min(height, limit)
    left, top = (width - across) // 2, (height - down) // 2
    return image.crop((left, top, left + across, top + down))


def with_side(image: Image.Image, side: int) -> Image.Image:
    """Scaled so that the shorter side has `side` pixels."""
    width, height = image.size
    scale = side / min(width, height)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)


def compressed(
    image: Image.Image, quality: int, format_: str = "JPEG", chroma: int = 0
) -> Image.Image:
    """The picture after a round trip through a lossy format."""
    out = io.BytesIO()
    options = {"subsampling": chroma} if format_ == "JPEG" else {}
    image.save(out, format_, quality=quality, **options)
    out.seek(0)
    return Image.open(out).convert("RGB")


def middle(image: Image.Image) -> Image.Image:
    """The square of `SIDE` pixels in the middle."""
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    return image.crop((left, top, left + SIDE, top + SIDE))
