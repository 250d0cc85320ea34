"""Whether the small picture in EXIF shows what the picture itself shows.

Editors that do not know of it leave the thumbnail of the original behind. That it agrees proves
nothing: whoever copies metadata can make a thumbnail as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.codec.decode import decode
from provenance.codec.limits import Limits
from provenance.errors import InputError
from provenance.picture import Picture

AGREES = 0.95
"""Likeness from which the two show the same. Chosen between what 46 photographs have with their
own thumbnail (all but two at least 0.957) and with those of the others (at most 0.914), all of them
seen before; benchmarks/claims.py counts again."""

_SIDE = 48
_LOOKED_AT = 512
_LIMITS = Limits(max_bytes=1 << 18, max_pixels=1 << 20)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def likeness(thumbnail: bytes, orientation: int, picture: Picture) -> float | None:
    """Correlation of the brightness of both, -1 to 1; None if one of them cannot be compared.

    Args:
        thumbnail: a small JPEG, stored as the camera held it.
        orientation: of the EXIF block, which the picture has been turned by.
        picture: upright.
    """
    try:
        small = decode(thumbnail, _LIMITS).to_pil().convert("L")
    except InputError:
        return None
    if orientation in _TURNS:
        small = small.transpose(_TURNS[orientation])
    small = _cut(small, picture.width / picture.height)
    step = max(1, min(picture.width, picture.height) // _LOOKED_AT)
    sampled = Image.fromarray(np.ascontiguousarray(picture.pixels[::step, ::step]))
    return _correlation(_brightness(small), _brightness(sampled.convert("L")))


def _cut(image: Image.Image, ratio: float) -> Image.Image:
    """The middle of a thumbnail in the picture's proportions: cameras add bars to fill 4:3."""
    width, height = image.size
    if width > height * ratio:
        kept = max(1, round(height * ratio))
        left = (width - kept) // 2
        return image.crop((left, 0, left + kept, height))
    kept = max(1, round(width / ratio))
    top = (height - kept) // 2
    return image.crop((0, top, width, top + kept))


def _brightness(image: Image.Image) -> NDArray[np.float64]:
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > _SIDE * _SIDE else None
