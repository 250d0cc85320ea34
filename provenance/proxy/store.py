"""Finished pictures that clients come back for: a bounded folder of names that cannot be guessed.

Several processes may share it. The age of a file is that of the file itself, so that a restart
neither loses a picture nor prolongs its life.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from provenance.codec.encode import FORMATS_BY_MEDIA_TYPE, MEDIA_TYPES, SUFFIXES
from provenance.files import make_private_folder, write_atomically

_NAME = re.compile(r"[A-Za-z0-9_-]{43}\.[a-z]{3,4}")
"""256 random bits, and a suffix."""

_TIDY_SECONDS = 60.0
"""After which the folder is counted anew, since other processes write to it as well."""

_TYPES = {SUFFIXES[kind]: media_type for kind, media_type in MEDIA_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the store."""

    path: Path
    media_type: str
    status: os.stat_result


class Results:
    """Keeps finished pictures for a while. Thread-safe.

    Args:
        folder: made if it is not there, for its owner alone.
        seconds: that a picture is kept.
        most: bytes of all together; the oldest make room.

    Raises:
        OutputError: the folder cannot be had.
    """

    def __init__(self, folder: Path, seconds: float = 3600.0, most: int = 1 << 30) -> None:
        self._folder = make_private_folder(folder)
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._size = 0
        self._tidied = 0.0

    def put(self, data: bytes, media_type: str) -> str:
        """Keep a picture; the name it has is returned once it is on the disk.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        name = secrets.token_urlsafe(32) + SUFFIXES[FORMATS_BY_MEDIA_TYPE[media_type]]
        if self._size + len(data) > self._most or time.monotonic() - self._tidied > _TIDY_SECONDS:
            self.tidy(len(data))
        write_atomically(self._folder / name, data, mode=0o600)
        with self._lock:
            self._size += len(data)
        return name

    def get(self, name: str) -> Stored | None:
        """The picture of that name, or None if there is none, or none any more."""
        if not _NAME.fullmatch(name):
            return None
        path = self._folder / name
        try:
            status = path.lstat()
        except OSError:
            return None
        kind = _TYPES.get(path.suffix)
        young = time.time() - status.st_mtime <= self._seconds
        return Stored(path, kind, status) if kind and young else None

    def tidy(self, room: int = 0) -> None:
        """Remove what is too old, and the oldest until there is room for so many bytes more."""
        with self._lock:
            kept = []
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    if time.time() - status.st_mtime > self._seconds:
                        path.unlink()
                    else:
                        kept.append((status.st_mtime, status.st_size, path))
            size = sum(entry[1] for entry in kept)
            for _, taken, path in sorted(kept):
                if size + room <= self._most:
                    break
                with contextlib.suppress(OSError):
                    path.unlink()
                size -= taken
            self._size = size
            self._tidied = time.monotonic()
