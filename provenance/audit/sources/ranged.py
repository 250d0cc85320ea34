"""A file of which only those parts are fetched that are read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

BLOCK = (1 << 16) + (1 << 12)
"""Bytes fetched at least: what readers of headers take at once, and a tar's header before it."""

_KEPT = 4 * BLOCK

Fetch = Callable[[int, int], bytes]
"""The bytes from one place up to another; fewer are an error of the file."""


class Unreachable(OSError):
    """The network, and no file, is at fault: another try may help."""


class Ranged(io.RawIOBase):
    """A seekable file over ranges. Bytes that were fetched last are not fetched again.

    Args:
        fetch: gives bytes, or raises `OSError`.
        size: of the file.
        begun: its first bytes, if they are there already.
    """

    def __init__(self, fetch: Fetch, size: int, begun: bytes = b"") -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._at = 0
        self._start, self._data = 0, begun

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer takes; less at the end alone.

        Raises:
            OSError: it cannot be had, or ends early.
        """
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        data = self._read(wanted)
        buffer[:wanted] = data
        self._at += wanted
        return wanted

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def _read(self, wanted: int) -> bytes:
        begin = self._at - self._start
        known = self._data[begin : begin + wanted] if 0 <= begin < len(self._data) else b""
        if len(known) == wanted:
            return known
        start = self._at + len(known)
        missing = wanted - len(known)
        stop = min(self._size, start + max(missing, BLOCK))
        data = self._fetch(start, stop)
        if len(data) != stop - start:
            raise OSError(f"it ends after {start + len(data):,} of {self._size:,} bytes")
        if len(data) <= _KEPT:
            self._start, self._data = start, data
        return known + data[:missing]
