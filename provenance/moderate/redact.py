"""Makes a picture fit to be shown: blurred where it has to be, or replaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.moderate.interface import Region
from provenance.picture import Metadata, Picture

_Box: TypeAlias = tuple[int, int, int, int]

_BLOCKS = 12
"""Blocks along the longer side of what is blurred: too few to make out a body, a face or a word.

Averages over blocks lose the detail for good, which a blur by convolution does not: that can be
sharpened again (Hill et al., "On the (In)effectiveness of Mosaicing and Blurring as Tools for
Document Redaction", PETS 2016). The blocks are smoothed, so that they do not look like a fault.
"""

_MARGIN = 0.1
"""Share of a box's sides that is blurred around it: detectors draw their boxes tight."""


_FARTHEST = 1 << 32
"""A box with a side beyond this is none: no picture is so large."""


def blurred(picture: Picture, regions: Sequence[Region] = ()) -> Picture:
    """The picture with the regions made unrecognisable; without regions, all of it.

    A region that is empty, a pixel wide or high, or outside says that its detector is wrong: all
    is blurred then.
    Metadata is dropped, since it may hold a preview. So is the detail of the transparency, which
    holds outlines, and that of the pixels under it.
    """
    whole = (0, 0, picture.width, picture.height)
    boxes = [_grown(region, picture) for region in regions]
    if not boxes or not all(box[2] - box[0] > 1 and box[3] - box[1] > 1 for box in boxes):
        boxes = [whole]
    pixels = _without_detail(picture.pixels, boxes)
    alpha = None if picture.alpha is None else _without_detail(picture.alpha, boxes)
    return replace(picture, pixels=pixels, alpha=alpha, metadata=Metadata())


def _without_detail(plane: NDArray[np.uint8], boxes: Sequence[_Box]) -> NDArray[np.uint8]:
    image = Image.fromarray(plane)
    for box in boxes:
        image.paste(_coarse(image.crop(box)), box[:2])
    return np.asarray(image)


def _grown(region: Region, picture: Picture) -> _Box:
    """The box with its margin, as far as it lies in the picture; empty if it is none."""
    sides = (region.left, region.top, region.right, region.bottom)
    if not all(abs(side) < _FARTHEST for side in sides):  # NaN is not either
        return (0, 0, 0, 0)
    across = _MARGIN * (region.right - region.left)
    down = _MARGIN * (region.bottom - region.top)
    return (
        max(math.floor(region.left - across), 0),
        max(math.floor(region.top - down), 0),
        min(math.ceil(region.right + across), picture.width),
        min(math.ceil(region.bottom + down), picture.height),
    )


def _coarse(image: Image.Image) -> Image.Image:
    scale = _BLOCKS / max(image.size)
    small = tuple(max(1, round(side * min(scale, 0.5))) for side in image.size)
    blocks = image.resize((small[0], small[1]), Image.Resampling.BOX)
    return blocks.resize(image.size, Image.Resampling.BICUBIC)


def placeholder(picture: Picture) -> Picture:
    """A picture of the same size that says that the content was withheld, and shows none of it.

    Soft grain covers it, so that it carries a watermark like every other picture.
    """
    width, height = picture.width, picture.height
    rng = np.random.default_rng(0)
    cell = 4
    grain = rng.normal(0.0, 9.0, (-(-height // cell), -(-width // cell)))
    gray = np.clip(128.0 + np.kron(grain, np.ones((cell, cell)))[:height, :width], 0, 255)
    image = Image.fromarray(np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2))
    text = "Withheld by the content policy"
    size = max(8, min(width // 18, height // 4))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(image)
    box = (0.0, height / 2 - size, float(width), height / 2 + size)
    draw.rectangle(box, fill=(40, 40, 40))
    draw.text((width / 2, height / 2), text, font=font, fill=(235, 235, 235), anchor="mm")
    pixels = np.asarray(image.convert("L") if picture.gray else image)
    return replace(Picture.from_array(pixels), encoding=picture.encoding)
