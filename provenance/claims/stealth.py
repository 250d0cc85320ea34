"""Parameters in the lowest bits of pixels: the alpha channel's, or those of all three colours.

Fifteen letters say which, then 32 bits give the length in bits, then comes the text, as it is or
packed by gzip; column by column, the highest bit of each byte first. NovelAI writes its texts as
one JSON object; the web UI's extension and others write the text of `parameters`.

Source: the reader that NovelAI published (NovelAI/novelai-image-metadata, MIT) and
ashen-sensored/sd_webui_stealth_pnginfo, whose form it is; Panchovix/stable-diffusion-webui-reForge,
modules/stealth_infotext.py.
"""

from __future__ import annotations

import json
import zlib

import numpy as np
from numpy.typing import NDArray

from provenance.claims.collector import MAX_BLOCK
from provenance.picture import Picture

_MARKS = {
    b"stealth_pnginfo": False,
    b"stealth_pngcomp": True,
    b"stealth_rgbinfo": False,
    b"stealth_rgbcomp": True,
}
_MARK_BITS = 8 * 15


def stealth_texts(picture: Picture) -> tuple[tuple[str, str], ...]:
    """The texts in the pixels, by keyword; none for almost every picture. Never raises."""
    planes: list[NDArray[np.uint8]] = [picture.pixels]
    if picture.alpha is not None:
        planes.insert(0, picture.alpha[:, :, np.newaxis])
    for plane in planes:
        text = _text(plane)
        if text:
            return _parted(text)
    return ()


def _text(plane: NDArray[np.uint8]) -> str:
    packed = _MARKS.get(_bytes(plane, 0, _MARK_BITS))
    if packed is None:
        return ""
    length = int.from_bytes(_bytes(plane, _MARK_BITS, 32), "big")
    if not 0 < length <= min(plane.size, 8 * MAX_BLOCK):
        return ""
    data = _bytes(plane, _MARK_BITS + 32, length // 8 * 8)
    if packed:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BLOCK)
        except zlib.error:
            return ""
    return data.decode("utf-8", "replace")


def _bytes(plane: NDArray[np.uint8], start: int, bits: int) -> bytes:
    """Bits from the columns that hold them, and no more of the picture."""
    height, _, deep = plane.shape
    column = height * deep
    first, last = start // column, -(-(start + bits) // column)
    lowest = plane[:, first:last].transpose(1, 0, 2).reshape(-1) & 1
    skipped = start - first * column
    return np.packbits(lowest[skipped : skipped + bits]).tobytes()


def _parted(text: str) -> tuple[tuple[str, str], ...]:
    """The members of a JSON object of texts, or the whole as `parameters`."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and ("Comment" in said or "Software" in said):
        return tuple((name, value) for name, value in said.items() if isinstance(value, str))
    return (("parameters", text),)
