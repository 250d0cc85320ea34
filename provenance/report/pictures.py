"""Pictures for a report: decoded by our codec within limits, scaled down, and written anew.

Nothing of the file's own bytes reaches the report, so that neither its metadata nor a trap in its
format does.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from provenance.codec.decode import decode
from provenance.codec.limits import Limits
from provenance.errors import InputError
from provenance.picture import Picture
from provenance.report.markup import Markup, data_uri

LARGEST = 1024
"""Longer side of the picture in a report, in pixels."""

_THUMBNAIL = 192
_THUMBNAIL_LIMITS = Limits(max_bytes=4 << 20, max_pixels=16_000_000, max_side=8_192)
_HEAT_SIDE = 64
_HEAT_COLOUR = (214, 40, 40)
_HEAT_OPAQUE = 190


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as it stands in a report.

    Attributes:
        address: the `data:` address.
        width: columns of the picture that was examined; boxes count in these.
        height: rows likewise.
    """

    address: Markup
    width: int
    height: int


def preview(data: bytes, limits: Limits | None = None) -> Shown | None:
    """The first picture of a file, scaled to `LARGEST`; None where it cannot be shown."""
    return _shown(data, limits or Limits(), LARGEST)


def thumbnail(data: bytes) -> Shown | None:
    """A small picture out of somebody's credentials; None where it cannot be shown."""
    return _shown(data, _THUMBNAIL_LIMITS, _THUMBNAIL)


def thumbnail_of(data: bytes, limits: Limits | None = None) -> Shown | None:
    """A small picture of the examined file itself; None where it cannot be shown."""
    return _shown(data, limits or Limits(), _THUMBNAIL)


def heat_map(heat: Sequence[Sequence[float]]) -> Markup | None:
    """A grid of values in [0, 1] as a small picture to lay over another; None if it is no grid."""
    sides = {len(row) for row in heat}
    if (
        len(sides) != 1
        or not 0 < len(heat) <= _HEAT_SIDE
        or not 0 < next(iter(sides)) <= _HEAT_SIDE
    ):
        return None
    if not all(math.isfinite(value) for row in heat for value in row):
        return None
    values = np.clip(np.asarray(heat, dtype=np.float64), 0, 1)
    pixels = np.zeros((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = _HEAT_COLOUR
    pixels[..., 3] = np.rint(values * _HEAT_OPAQUE)
    return _address(Image.fromarray(pixels), "PNG")


def _shown(data: bytes, limits: Limits, side: int) -> Shown | None:
    try:
        picture = decode(data, limits, first_frame=True)
    except InputError:
        return None
    image = _plain(picture)
    image.thumbnail((side, side), reducing_gap=2.0)
    kind = "PNG" if image.mode == "RGBA" else "JPEG"
    return Shown(_address(image, kind), picture.width, picture.height)


def _plain(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None and int(picture.alpha.min()) < 255:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def _address(image: Image.Image, kind: str) -> Markup:
    buffer = io.BytesIO()
    if kind == "JPEG":
        image.save(buffer, kind, quality=85, subsampling="4:4:4")
    else:
        image.save(buffer, kind)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return data_uri(f"image/{kind.lower()}", encoded)
