"""A lock on an open file that ends with the process, however it ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def locked(file: BinaryIO, *, write: bool = False) -> Iterator[None]:
    """Hold the file alone (`write`), or together with other readers. Waits for as long as it takes.

    The lock belongs to this opening of the file: threads of one process exclude each other too.
    """
    if sys.platform == "win32":
        import msvcrt

        # One byte far beyond the end; readers exclude each other as well.
        file.seek(1 << 62)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            file.seek(1 << 62)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
