"""What the header of a picture file says."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.picture import Subsampling


@dataclass(frozen=True, slots=True)
class Header:
    """Facts known before any pixel is decoded.

    Attributes:
        width: columns as stored, before any orientation.
        height: rows as stored.
        frames: pictures or pages in the file, counted up to a cap.
        depth: bits a channel.
        gray: one channel, alpha aside.
        lossless: the coding loses nothing (only asked of WebP).
        key: the one colour that is transparent (PNG), as one or three samples of `depth` bits.
        subsampling: chroma, where the header tells (AVIF), else None.
        notes: oddities, in plain words.
    """

    width: int
    height: int
    frames: int = 1
    depth: int = 8
    gray: bool = False
    lossless: bool = False
    key: tuple[int, ...] | None = None
    subsampling: Subsampling | None = None
    notes: tuple[str, ...] = ()
