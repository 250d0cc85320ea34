"""Arrays and Pillow images of any mode to `Picture`, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.codec.colour import to_srgb
from provenance.codec.metadata import clean_exif, clean_text, clean_xmp
from provenance.errors import UnreadablePicture, UnsupportedPicture
from provenance.picture import Encoding, Metadata, Picture

Plane = NDArray[np.uint8]

_STRIP = 4_000_000
"""Pixels copied at a time, so that a large picture is not held three times over."""

_PLAIN = {"La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}


def from_array(array: NDArray[Any]) -> Picture:
    """Take H×W, H×W×1, H×W×3 or H×W×4; uint8, or floats in [0, 1], or bool.

    The values are copied. A fourth channel that is opaque everywhere is dropped.

    Raises:
        ValueError: another shape or type, NaN or infinity, or floats outside [0, 1].
    """
    array = np.asarray(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"the array has shape {array.shape}; expected H×W, H×W×1, H×W×3 or H×W×4")
    values = _to_bytes(array)
    if values.ndim == 2 or values.shape[2] == 1:
        plane = values.reshape(values.shape[:2])
        return Picture(np.repeat(plane[:, :, None], 3, axis=2), gray=True)
    alpha = _unless_opaque(values[:, :, 3].copy()) if values.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(values[:, :, :3]), alpha)


def from_pil(image: Image.Image) -> Picture:
    """Take a Pillow image of any mode, converting to sRGB by its ICC profile if it has one.

    Raises:
        UnreadablePicture: the image was opened lazily and its file is damaged.
        UnsupportedPicture: 32-bit integers, or floats outside [0, 1].
    """
    try:
        image.load()
    except Exception as error:
        raise UnreadablePicture(
            f"the Pillow image could not be loaded ({error}); load it before handing it over"
        ) from error
    info = image.info
    exif = clean_exif(_bytes_or_none(info.get("exif")))
    xmp, xmp_notes = clean_xmp(_text_or_bytes(info.get("xmp")))
    text, text_notes = clean_text(getattr(image, "text", None) or {})
    icc = _bytes_or_none(info.get("icc_profile"))
    pixels, alpha, gray, notes = planes(image, icc, exif.orientation)
    return Picture(
        pixels,
        alpha,
        gray=gray,
        encoding=Encoding(embed_srgb=bool(icc)),
        metadata=Metadata(exif.data, xmp, text),
        notes=exif.notes + xmp_notes + text_notes + notes,
    )


def to_pil(picture: Picture) -> Image.Image:
    """The pixels as a Pillow image: RGB, RGBA, L or LA."""
    image = Image.fromarray(picture.pixels)
    if picture.gray:
        image = image.convert("L") if _coloured(picture.pixels) else image.getchannel(0)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def planes(
    image: Image.Image,
    icc: bytes | None,
    orientation: int = 1,
    *,
    key: tuple[int, ...] | None = None,
) -> tuple[Plane, Plane | None, bool, tuple[str, ...]]:
    """Upright sRGB pixels, alpha, whether the source was gray, and what is to be noted.

    Args:
        image: loaded, of any mode.
        icc: its profile.
        orientation: EXIF's, to be applied here.
        key: the colour that is transparent, in the values of `image`.
    """
    notes: tuple[str, ...] = ()
    transparent = _where(image, key) if key is not None else None
    if image.mode.startswith("I;16"):
        image = Image.fromarray(_sixteen_to_eight(np.asarray(image)))
        notes += ("16 bits a channel reduced to 8",)
    elif image.mode in ("I", "F"):
        image, more = _from_numbers(image)
        notes += more
    image = _simplify(image)
    gray = image.mode in ("L", "LA")
    alpha = _plane(image.getchannel("A")) if image.mode in ("LA", "RGBA") else transparent
    if image.mode in ("LA", "RGBA"):
        image = image.convert("L" if gray else "RGB")
    image, more = to_srgb(image, icc)
    pixels = _pixels(image)
    del image
    pixels = upright(pixels, orientation)
    if alpha is not None:
        alpha = _unless_opaque(upright(alpha, orientation))
    return pixels, alpha, gray, notes + more


def upright(array: Plane, orientation: int) -> Plane:
    """Apply an EXIF orientation, 1 to 8, to rows and columns. Source: Exif 2.32, 4.6.4 A."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def _to_bytes(array: NDArray[Any]) -> Plane:
    """A fresh uint8 copy of `array`."""
    if array.dtype == np.uint8:
        return np.array(array, dtype=np.uint8)
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"the array has type {array.dtype}; expected uint8, bool, or floats in [0, 1]"
        )
    if array.size and not (array.min() >= 0 and array.max() <= 1):  # NaN fails this as well
        raise ValueError(
            f"the array has values from {array.min()} to {array.max()}; expected [0, 1]"
        )
    scaled: Plane = np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    return scaled


def _simplify(image: Image.Image) -> Image.Image:
    """Bring a mode to one of L, LA, RGB, RGBA, CMYK or LAB."""
    keyed = "transparency" in image.info
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if keyed or image.mode == "PA" else "RGB")
    if image.mode == "1":
        return image.convert("LA" if keyed else "L")
    if keyed and image.mode in ("L", "RGB"):
        return image.convert("LA" if image.mode == "L" else "RGBA")
    if image.mode in _PLAIN:
        return image.convert(_PLAIN[image.mode])
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB"):
        return image
    raise UnsupportedPicture(
        f"the picture has pixels of kind {image.mode}; convert it to 8-bit RGB first"
    )


def _sixteen_to_eight(values: NDArray[Any]) -> Plane:
    """65,535 becomes 255: divide by 257 and round."""
    reduced: Plane = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return reduced


def _from_numbers(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    values = np.asarray(image)
    if image.mode == "F" and values.min() >= 0 and values.max() <= 1:
        return Image.fromarray(_to_bytes(values)), ("32-bit floats reduced to 8 bits",)
    kind = "floating-point" if image.mode == "F" else "32-bit or signed integer"
    raise UnsupportedPicture(
        f"the picture has {kind} values from {values.min()} to {values.max()}, whose white is "
        "not defined; convert it to 8 or 16 bits, or to floats from 0 to 1"
    )


def _where(image: Image.Image, key: tuple[int, ...]) -> Plane:
    """Alpha: 0 where a pixel has the colour `key`, 255 elsewhere."""
    values = np.asarray(image.convert("L") if image.mode == "1" else image)
    hit = values == (key[0] if values.ndim == 2 else np.array(key))
    if values.ndim == 3:
        hit = hit.all(axis=2)
    return np.where(hit, np.uint8(0), np.uint8(255))


def _plane(image: Image.Image) -> Plane:
    return np.array(image, dtype=np.uint8)


def _pixels(image: Image.Image) -> Plane:
    """H×W×3 of an RGB or L image, copied by strips."""
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = np.asarray(image.crop(box) if rows < image.height else image)
        pixels[top : top + rows] = strip if strip.ndim == 3 else strip[:, :, None]
    return pixels


def _unless_opaque(alpha: Plane) -> Plane | None:
    return alpha if int(alpha.min(initial=255)) < 255 else None


def _coloured(pixels: Plane) -> bool:
    red = pixels[:, :, 0]
    return not (np.array_equal(red, pixels[:, :, 1]) and np.array_equal(red, pixels[:, :, 2]))


def _bytes_or_none(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _text_or_bytes(value: object) -> bytes | str | None:
    return value if isinstance(value, bytes | str) else None
