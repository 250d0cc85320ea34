"""Bytes of a file by place, read as far as they are asked for: metadata without the pixels."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

_WINDOW = 1 << 16
"""Bytes read at once: the metadata of most files, or several small chunks of a PNG."""


class View:
    """A file, or its bytes. What lies past the end is simply not there.

    Args:
        source: the bytes, or a seekable file opened for reading.
    """

    def __init__(self, source: bytes | BinaryIO) -> None:
        self._file = io.BytesIO(source) if isinstance(source, bytes) else source
        self._data = source if isinstance(source, bytes) else b""
        self._start = 0
        self.size = len(source) if isinstance(source, bytes) else source.seek(0, os.SEEK_END)

    def read(self, at: int, length: int) -> bytes:
        """Up to `length` bytes from `at` on; fewer at the end, none outside."""
        length = min(length, self.size - at)
        if at < 0 or length <= 0:
            return b""
        begin = at - self._start
        if begin >= 0 and begin + length <= len(self._data):
            return self._data[begin : begin + length]
        self._file.seek(at)
        if length > _WINDOW:
            return self._file.read(length)
        self._data, self._start = self._file.read(_WINDOW), at
        return self._data[:length]

    def number(self, at: int, length: int, *, little: bool = False) -> int:
        """An unsigned integer; zero where the file ends before."""
        data = self.read(at, length)
        if len(data) < length:
            return 0
        return int.from_bytes(data, "little" if little else "big")
