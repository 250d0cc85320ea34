"""`Picture` to bytes, once. The same picture and settings give the same bytes every time."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from PIL import Image, PngImagePlugin, TiffImagePlugin

from provenance.codec.colour import srgb_profile
from provenance.codec.convert import to_pil
from provenance.codec.metadata import tags_for_tiff
from provenance.codec.refusals import name_of
from provenance.errors import UnsupportedPicture
from provenance.picture import EncodedPicture, Encoding, Format, Metadata, Picture

SUFFIXES: MappingProxyType[Format, str] = MappingProxyType(
    {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "TIFF": ".tif"}
)
"""The suffix that a format's files get."""

MEDIA_TYPES: MappingProxyType[Format, str] = MappingProxyType(
    {
        "PNG": "image/png",
        "JPEG": "image/jpeg",
        "WEBP": "image/webp",
        "AVIF": "image/avif",
        "TIFF": "image/tiff",
    }
)
"""IANA media types, by format."""

FORMATS_BY_MEDIA_TYPE: MappingProxyType[str, Format] = MappingProxyType(
    {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
)
"""Formats, by IANA media type."""

_BY_SUFFIX: dict[str, Format] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}

_QUALITY: dict[Format, int] = {"JPEG": 92, "WEBP": 92, "AVIF": 85}

_LARGEST_SIDE: dict[Format, int] = {
    "JPEG": 65_500,  # libjpeg's JPEG_MAX_DIMENSION; T.81 B.2.2 allows 65,535
    "WEBP": 16_383,  # RFC 9649: 14 bits
    "AVIF": 32_768,  # libavif refuses to read more
}

# A JPEG segment holds 65,533 bytes, less the name that precedes the data.
_JPEG_EXIF, _JPEG_XMP = 65_533 - 6, 65_533 - 29

_AVIF_SPEED = 7
"""0 slow to 10 fast. At 7 a 1024x1024 takes a third of a second; 6 takes twice as long for a
larger file, and from 8 on files grow."""

_XMP_TAG, _BYTE = 700, 1
_PREDICTOR, _HORIZONTAL = 317, 2  # TIFF 6.0 section 14: neighbours' differences deflate better


def encode(
    picture: Picture,
    encoding: Encoding,
    *,
    keep_metadata: bool = False,
    xmp: bytes | None = None,
) -> EncodedPicture:
    """Write `picture` as `encoding` says.

    Args:
        picture: alpha that is opaque everywhere is left out.
        encoding: quality None is 92 for JPEG and WebP, 85 for AVIF.
        keep_metadata: write EXIF, XMP and (PNG only) text of the source as well.
        xmp: a packet to write in any case; it takes the place of the source's.

    Returns:
        The bytes, with the encoding as it was used: quality filled in.

    Raises:
        UnsupportedPicture: transparency in JPEG, a side too long for the format, lossless AVIF,
            or metadata too long for JPEG.
    """
    kind = encoding.format
    _check(picture, encoding)
    image = to_pil(_without_needless_alpha(picture))
    kept = picture.metadata if keep_metadata else Metadata()
    kept = replace(kept, xmp=xmp if xmp is not None else kept.xmp)
    encoding = _filled(encoding)
    buffer = io.BytesIO()
    try:
        options = _OPTIONS[kind](image, encoding, kept)
        if encoding.embed_srgb and image.mode in ("RGB", "RGBA"):
            options["icc_profile"] = srgb_profile()
        image.save(buffer, kind, **options)
    except (OSError, ValueError, TypeError, KeyError, SyntaxError, struct.error) as error:
        raise UnsupportedPicture(
            f"the picture could not be written as {name_of(kind)} ({error}); use .png"
        ) from error
    return EncodedPicture(buffer.getvalue(), encoding, picture.width, picture.height)


def encoding_for(path_or_suffix: str | os.PathLike[str], like: Encoding | None = None) -> Encoding:
    """The encoding that a file's name asks for.

    Args:
        path_or_suffix: `out/a.JPG` or `.jpg`.
        like: the source's encoding. Its settings are kept if the format is the same; of another
            format only the wish for a profile is.

    Raises:
        UnsupportedPicture: no suffix, or one that we do not write.
    """
    name = PurePath(path_or_suffix).name
    suffix = name if name.startswith(".") and name.count(".") == 1 else PurePath(name).suffix
    kind = _BY_SUFFIX.get(suffix.lower())
    if kind is None:
        found = f"'{suffix}' files are not written" if suffix else f"'{name}' has no suffix"
        raise UnsupportedPicture(f"{found}; use one of {' '.join(_BY_SUFFIX)}")
    if like is None:
        return Encoding(kind)
    return like if like.format == kind else Encoding(kind, embed_srgb=like.embed_srgb)


def _check(picture: Picture, encoding: Encoding) -> None:
    kind = encoding.format
    name = name_of(kind)
    limit = _LARGEST_SIDE.get(kind)
    if limit is not None and max(picture.width, picture.height) > limit:
        raise UnsupportedPicture(
            f"the picture has {picture.width:,}x{picture.height:,} pixels, {name} holds "
            f"{limit:,} a side; use .png or scale it down"
        )
    if kind == "JPEG" and _transparent(picture):
        raise UnsupportedPicture(
            "JPEG cannot hold transparency; use .png, .webp or .avif, or flatten the picture first"
        )
    if kind == "AVIF" and encoding.lossless:
        raise UnsupportedPicture("AVIF is written with loss only; use .png or lossless .webp")
    if encoding.quality is not None and not 1 <= encoding.quality <= 100:
        raise UnsupportedPicture(f"quality is {encoding.quality}; expected 1 to 100")


def _filled(encoding: Encoding) -> Encoding:
    lossy = encoding.format in _QUALITY and not encoding.lossless
    quality = (encoding.quality or _QUALITY[encoding.format]) if lossy else None
    return replace(encoding, quality=quality)


def _transparent(picture: Picture) -> bool:
    return picture.alpha is not None and int(picture.alpha.min()) < 255


def _without_needless_alpha(picture: Picture) -> Picture:
    return picture if _transparent(picture) else replace(picture, alpha=None)


def _png(_image: Image.Image, _encoding: Encoding, kept: Metadata) -> dict[str, Any]:
    chunks = PngImagePlugin.PngInfo()
    for key, value in kept.text.items():
        chunks.add_text(key, value)
    if kept.xmp is not None:
        chunks.add_itxt("XML:com.adobe.xmp", kept.xmp)
    # Level 6 takes twice the time of 4 for 2 % fewer bytes, and would be most of `protect`.
    return {"compress_level": 4, "pnginfo": chunks, **_exif(kept)}


def _jpeg(image: Image.Image, encoding: Encoding, kept: Metadata) -> dict[str, Any]:
    for name, data, most in (("EXIF", kept.exif, _JPEG_EXIF), ("XMP", kept.xmp, _JPEG_XMP)):
        if data is not None and len(data) > most:
            raise UnsupportedPicture(
                f"the {name} block has {len(data):,} bytes, JPEG holds {most:,}; "
                "use .png or drop the metadata"
            )
    options: dict[str, Any] = {"quality": encoding.quality, "progressive": encoding.progressive}
    if image.mode == "RGB":
        options["subsampling"] = encoding.subsampling
    if kept.xmp is not None:
        options["xmp"] = kept.xmp
    return {**options, **_exif(kept)}


def _webp(_image: Image.Image, encoding: Encoding, kept: Metadata) -> dict[str, Any]:
    options: dict[str, Any] = {"lossless": encoding.lossless, "exact": True, "method": 4}
    if not encoding.lossless:
        options["quality"] = encoding.quality
    return {**options, "xmp": kept.xmp or b"", **_exif(kept)}


def _avif(image: Image.Image, encoding: Encoding, kept: Metadata) -> dict[str, Any]:
    options: dict[str, Any] = {
        "quality": encoding.quality,
        "speed": _AVIF_SPEED,
        "subsampling": "4:0:0" if image.mode in ("L", "LA") else encoding.subsampling,
        # Tiles follow the number of threads, and with them the bytes.
        "max_threads": 1,
        "autotiling": False,
    }
    return {**options, "xmp": kept.xmp or b"", **_exif(kept)}


def _tiff(_image: Image.Image, _encoding: Encoding, kept: Metadata) -> dict[str, Any]:
    described = tags_for_tiff(kept.exif) if kept.exif is not None else {}
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if kept.xmp is not None:
        tags.tagtype[_XMP_TAG] = _BYTE
        tags[_XMP_TAG] = kept.xmp
    for tag, value in described.items():
        tags[tag] = value
    if any(isinstance(value, dict) for value in described.values()):
        # Pillow compresses through libtiff, which writes no directories within directories.
        return {"compression": None, "tiffinfo": tags}
    tags[_PREDICTOR] = _HORIZONTAL
    return {"compression": "tiff_adobe_deflate", "tiffinfo": tags}


def _exif(kept: Metadata) -> dict[str, Any]:
    return {} if kept.exif is None else {"exif": b"Exif\0\0" + kept.exif}


_OPTIONS: dict[Format, Callable[[Image.Image, Encoding, Metadata], dict[str, Any]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "WEBP": _webp,
    "AVIF": _avif,
    "TIFF": _tiff,
}
