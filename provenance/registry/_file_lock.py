"""A lock on an open file that ends with the process, however it ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def locked(file: BinaryIO, *, write: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold the file alone (`write`), or together with other readers.

    Waits for as long as it takes, or not at all. The lock belongs to this opening of the file:
    threads of one process exclude each other too.

    Raises:
        OSError: another holds it, and we do not wait.
    """
    if sys.platform == "win32":
        import msvcrt

        # One byte far beyond the end; readers exclude each other as well.
        file.seek(1 << 62)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        try:
            yield
        finally:
            file.seek(1 << 62)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        kind = fcntl.LOCK_EX if write else fcntl.LOCK_SH
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
