"""Bytes to `Picture`, safely: the limits are asked before any memory is taken for pixels."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from provenance.codec.convert import planes
from provenance.codec.formats import avif, bmp, gif, jpeg, png, tiff, webp
from provenance.codec.formats.header import Header
from provenance.codec.limits import Limits
from provenance.codec.metadata import clean_exif, clean_text, clean_xmp, exif_of_tiff
from provenance.codec.readers import reader
from provenance.codec.refusals import damaged, several, unfamiliar, unit_of
from provenance.codec.sniff import Source, sniff
from provenance.errors import InputError, TooLarge
from provenance.picture import Encoding, Metadata, Picture

__all__ = ["Limits", "decode", "read_bytes"]

_PROBES = {
    "PNG": png.probe,
    "JPEG": jpeg.probe,
    "WEBP": webp.probe,
    "AVIF": avif.probe,
    "TIFF": tiff.probe,
    "GIF": gif.probe,
    "BMP": bmp.probe,
}

_LEAST_QUALITY = 85
"""A source saved below this is written at this: a second coarse pass would show."""

_CHUNK = 1 << 20

_FOUND = {
    errno.ENOENT: "there is no such file; check the path",
    errno.ENOTDIR: "a part of the path is not a folder; check the path",
    errno.EACCES: "it may not be read; check its permissions",
    errno.EPERM: "it may not be read; check its permissions",
    errno.ELOOP: "it is a symbolic link that leads to itself; check the path",
    errno.ENAMETOOLONG: "the name is too long for this file system; check the path",
    errno.ENXIO: "it is a socket or device, expected a picture file",
}


def read_bytes(path: str | os.PathLike[str], limits: Limits | None = None) -> bytes:
    """Read a regular file of at most `limits.max_bytes`.

    Never blocks on a pipe or a device, and never reads more than the limit even if the file
    grows meanwhile. Symbolic links are followed.

    Raises:
        InputError: missing, a folder, not readable, or not a regular file.
        TooLarge: over the limit; nothing was read.
    """
    limits = limits or Limits()
    name = os.fspath(path)
    try:
        _check_regular(name, Path(name).stat())  # before opening, which may wake a device
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(name, flags | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _check_regular(name, status)  # again: the path may lead elsewhere by now
            limits.check_bytes(status.st_size)
            data = file.read(limits.max_bytes + 1 if status.st_size == 0 else status.st_size)
            while more := file.read(_CHUNK):
                limits.check_bytes(len(data) + len(more))
                data += more
            limits.check_bytes(len(data))
            return data
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _FOUND.get(number or 0, f"it could not be read ({error})")
        raise InputError(f"{_quoted(name)}: {reason}") from error


def decode(data: bytes, limits: Limits | None = None, *, first_frame: bool = False) -> Picture:
    """Decode a PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP to upright sRGB.

    The format is told by the content. `Picture.encoding` says how to write it back: GIF and BMP
    become PNG. What was changed or dropped is in `Picture.notes`.

    Args:
        data: the whole file.
        limits: None for the defaults.
        first_frame: take the first picture of an animated or multi-page file, with a note.

    Raises:
        UnreadablePicture: empty, damaged, cut short, or not a picture.
        UnsupportedPicture: animated, many pages, or a format or kind of pixel not read here.
        TooLarge: over the limits; no pixel was decoded.
    """
    limits = limits or Limits()
    limits.check_bytes(len(data))
    kind = sniff(data)
    header = _PROBES[kind](data)
    if min(header.width, header.height) <= 0:
        raise damaged(kind, f"it says {header.width}x{header.height} pixels")
    limits.check_size(header.width, header.height)
    notes = header.notes
    try:
        image = reader(kind, data)
        limits.check_size(*image.size)
        frames = int(getattr(image, "n_frames", 1)) if kind == "AVIF" else header.frames
        notes += _about_frames(kind, frames, first_frame=first_frame)
        if kind == "JPEG" and "mp" in image.info:
            notes += ("further pictures in the file (a gain map or preview) were ignored",)
        image.load()
        limits.check_size(*image.size)
        if kind == "PNG" and _ends_blank(image) and not png.is_complete(data):
            raise damaged(kind, "rows are missing")  # noqa: TRY301
        return _picture(image, kind, header, notes)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise TooLarge(
            f"the picture has {header.width:,}x{header.height:,} pixels, over the limit that is "
            "set in PIL.Image.MAX_IMAGE_PIXELS; scale it down or raise that limit"
        ) from error
    except Exception as error:
        # Pillow and the libraries below it answer bad bytes with a dozen kinds of exception.
        raise (unfamiliar(kind, error) or damaged(kind, error)) from error


def _ends_blank(image: Image.Image) -> bool:
    """Whether one of the last two rows is all zero, as rows are that were never filled."""
    rows = np.asarray(image.crop((0, max(0, image.height - 2), *image.size)))
    return not all(row.any() for row in rows)


def _about_frames(kind: Source, frames: int, *, first_frame: bool) -> tuple[str, ...]:
    if frames <= 1:
        return ()
    if not first_frame:
        raise several(kind, frames)
    return (f"{frames:,} {unit_of(kind)} found; only the first was read",)


def _picture(image: Image.Image, kind: Source, header: Header, notes: tuple[str, ...]) -> Picture:
    info = image.info
    # Pillow has turned a TIFF upright already, and took the tag away.
    exif = clean_exif(exif_of_tiff(image) if kind == "TIFF" else info.get("exif"))
    xmp, xmp_notes = clean_xmp(_xmp_of(info))
    text, text_notes = clean_text(getattr(image, "text", {}) if kind == "PNG" else {})
    icc = info.get("icc_profile") or None
    encoding = _encoding(image, kind, header, embed_srgb=bool(icc))
    gray_in_colour = header.gray and image.mode in ("RGB", "RGBA")
    key = _key(image, header)
    if header.depth > 8 and not image.mode.startswith(("I", "F")):
        notes += (f"{header.depth} bits a channel reduced to 8",)
    if kind in ("GIF", "BMP"):
        limit = " (a GIF holds 256 colours only)" if kind == "GIF" else ""
        notes += (f"a {kind} is written as PNG{limit}",)
    pixels, alpha, gray, more = planes(image, icc, exif.orientation, key=key)
    return Picture(
        pixels,
        alpha,
        gray=gray or gray_in_colour,
        encoding=encoding,
        metadata=Metadata(exif.data, xmp, text),
        notes=notes + exif.notes + xmp_notes + text_notes + more,
    )


def _encoding(image: Image.Image, kind: Source, header: Header, *, embed_srgb: bool) -> Encoding:
    if kind == "JPEG":
        tables = getattr(image, "quantization", {})
        quality = jpeg.quality_of(tables[min(tables)]) if tables else None
        return Encoding(
            "JPEG",
            quality=max(quality, _LEAST_QUALITY) if quality else None,
            subsampling=jpeg.subsampling_of(_components(image)),
            progressive=bool(image.info.get("progressive")),
            embed_srgb=embed_srgb,
        )
    if kind == "WEBP":
        return Encoding("WEBP", lossless=header.lossless, embed_srgb=embed_srgb)
    if kind == "AVIF":
        return Encoding("AVIF", subsampling=header.subsampling or "4:4:4", embed_srgb=embed_srgb)
    if kind == "TIFF":
        return Encoding("TIFF", embed_srgb=embed_srgb)
    return Encoding("PNG", embed_srgb=embed_srgb)


def _components(image: Image.Image) -> list[tuple[int, int, int, int]]:
    return list(getattr(image, "layer", ()))


def _key(image: Image.Image, header: Header) -> tuple[int, ...] | None:
    """The transparent colour of a PNG in the values that Pillow decodes to.

    Pillow's own `transparency` is the value in the file, which for other depths than 8 is never
    met among the decoded pixels, so it is taken out.
    """
    if header.key is None:
        return None
    image.info.pop("transparency", None)
    if header.depth == 16:
        return header.key if image.mode.startswith("I;16") else tuple(v >> 8 for v in header.key)
    most = (1 << header.depth) - 1
    return tuple(value * 255 // most for value in header.key)


def _xmp_of(info: dict[Any, Any]) -> bytes | str | None:
    xmp = info.get("xmp")
    if isinstance(xmp, tuple):  # a TIFF may hold it as a tuple of numbers
        return bytes(xmp)
    return xmp if isinstance(xmp, bytes | str) else None


def _check_regular(name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{_quoted(name)}: it is a folder, expected a picture file")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            f"{_quoted(name)}: it is a pipe, socket or device, expected a picture file"
        )


def _quoted(name: str) -> str:
    return str(Path(name.replace("\0", "\\0"))).encode("utf-8", "backslashreplace").decode()
