"""Gathers what the walkers find, within limits that hold for a whole file."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.claims.exif import Exif

MAX_BLOCK = 4 << 20
"""Bytes of one block of metadata: EXIF, XMP, one text. ComfyUI's workflows have 5 to 500 kB."""

MAX_TOTAL = 16 << 20
"""Bytes of all blocks of one file."""

MAX_BLOCKS = 1000
"""Blocks of one file. ImageMagick writes about 60 texts into a PNG."""

MAX_STEPS = 100_000
"""Chunks, boxes or segments of one file. A PNG of 800 MB in chunks of 8 kB has as many."""


class Collector:
    """What was found so far. The walkers fill it, and `Headers` is made of it."""

    def __init__(self) -> None:
        self.width = self.height = 0
        self.exif: bytes | None = None
        self.tags: Exif | None = None
        self.iim: bytes | None = None
        self.xmp: list[bytes] = []
        self.texts: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.keys: list[tuple[str, str]] = []
        self.segments: list[tuple[str, bytes]] = []
        self.icc = ""
        self.encoder: dict[str, str] = {}
        self.trailer: dict[str, bytes] = {}
        self.credentials = False
        self.notes: list[str] = []
        self._left = MAX_TOTAL
        self._blocks = 0

    def admits(self, what: str, size: int) -> bool:
        """Whether a block of this size is still read; if not, a note says so."""
        if size > MAX_BLOCK:
            self.notes.append(f"{what} of {size:,} bytes is longer than {MAX_BLOCK:,}: not read")
            return False
        self._blocks += 1
        if size > self._left or self._blocks > MAX_BLOCKS:
            self.notes.append(
                f"the metadata has more than {MAX_TOTAL:,} bytes or {MAX_BLOCKS:,} blocks: "
                "not all was read"
            )
            return False
        self._left -= size
        return True

    def inflated(self, what: str, data: bytes) -> bytes | None:
        """Data unpacked by zlib; None if damaged or, unpacked, too long.

        What was unpacked in vain counts as well: else many small bombs would take long.
        """
        limit = min(MAX_BLOCK, self._left)
        try:
            unpacker = zlib.decompressobj()
            plain: bytes | None = unpacker.decompress(data, limit + 1)
        except zlib.error:
            plain = None
        self._left -= min(limit, len(data) if plain is None else len(plain))
        if plain is not None and len(plain) > limit:
            self.notes.append(f"{what} is longer than {limit:,} bytes when unpacked: not read")
            return None
        return plain

    def stopped(self) -> None:
        """Say that a file has more parts than are walked."""
        self.notes.append(f"the file has more than {MAX_STEPS:,} parts: not all were read")


def decoded(data: bytes) -> str:
    """Text as UTF-8 where it is that, or else as Latin-1, which the old standards want."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
