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
        if at < 0 or length <= 0 or at >= self.size:
            return b""
        begin = at - self._start
        if begin < 0 or begin + length > len(self._data):
            if at + length > self.size:
                length = self.size - at
            if not self._start <= at or at + length > self._start + len(self._data):
                if length > _WINDOW:
                    self._file.seek(at)
                    return self._file.read(length)
                self._file.seek(at)
                self._data, self._start = self._file.read(_WINDOW), at
            begin = at - self._start
        return self._data[begin : begin + length]

    def number(self, at: int, length: int, *, little: bool = False) -> int:
        """An unsigned integer; zero where the file ends before."""
        data = self.read(at, length)
        if len(data) < length:
            return 0
        return int.from_bytes(data, "little" if little else "big")
