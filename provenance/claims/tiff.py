"""Directories of a TIFF, which are those of EXIF as well.

Only what is asked for is read, and no chain is followed: nothing here can loop.

Source: TIFF 6.0 section 2; BigTIFF as libtiff documents it.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from provenance.claims.view import View

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 13: 4, 16: 8, 18: 8}
_MOST_ENTRIES = 4096
_FRACTIONS = (5, 10)


@dataclass(frozen=True, slots=True)
class Value:
    """The value of one tag, as bytes."""

    kind: int
    data: bytes
    order: Literal["little", "big"]

    def number(self) -> int | None:
        """The first of whole numbers."""
        size = _SIZES[self.kind]
        if self.kind in _FRACTIONS or len(self.data) < size:
            return None
        return int.from_bytes(self.data[:size], self.order)

    def ratio(self) -> float | None:
        """The first fraction."""
        if self.kind not in _FRACTIONS or len(self.data) < 8:
            return None
        signed = self.kind == 10
        above = int.from_bytes(self.data[:4], self.order, signed=signed)
        below = int.from_bytes(self.data[4:8], self.order, signed=signed)
        return above / below if below else None


class Tiff:
    """A TIFF, or an EXIF block; without a first directory if it is neither."""

    def __init__(self, view: View) -> None:
        head = view.read(0, 16)
        self._view = view
        self.order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        version = int.from_bytes(head[2:4], self.order)
        self._wide = version == 43
        mark = "<" if self.order == "little" else ">"
        self._entry = struct.Struct(mark + ("HHQ8s" if self._wide else "HHI4s"))
        known = head[:2] in (b"II", b"MM") and version in (42, 43)
        self.first = (self._number(8, 8) if self._wide else self._number(4, 4)) if known else 0

    def directory(
        self, at: int, wanted: Container[int], most: int = 1 << 20
    ) -> tuple[dict[int, Value], int]:
        """The wanted tags of the directory at `at`, and where the next one is, or 0.

        Values of more than `most` bytes, or past the end, are left out.
        """
        counted = 8 if self._wide else 2
        count = self._number(at, counted)
        if not at or count > _MOST_ENTRIES:
            return {}, 0
        size = self._entry.size * count
        table = self._view.read(at + counted, size)
        table = table[: len(table) // self._entry.size * self._entry.size]
        values: dict[int, Value] = {}
        for tag, kind, number, inside in self._entry.iter_unpack(table):
            if tag in wanted and tag not in values:
                data = self._data(_SIZES.get(kind, 0) * number, inside, most)
                if data:
                    values[tag] = Value(kind, data, self.order)
        return values, self._number(at + counted + size, 8 if self._wide else 4)

    def read(self, at: int, size: int) -> bytes:
        """Bytes at an offset that a tag names."""
        return self._view.read(at, size)

    def _data(self, size: int, inside: bytes, most: int) -> bytes:
        if not 0 < size <= most:
            return b""
        if size <= len(inside):
            return inside[:size]
        data = self._view.read(int.from_bytes(inside, self.order), size)
        return data if len(data) == size else b""

    def _number(self, at: int, size: int) -> int:
        return self._view.number(at, size, little=self.order == "little")
