"""Files and folders, here or at an address such as `s3://bucket/data`, through one door.

Addresses go through fsspec (s3fs, gcsfs and aiohttp bring the schemes), opened so that reading a
head fetches a head: blocks of 64 KiB, each by a range request.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from provenance.audit.interface import printable
from provenance.audit.sources import walk
from provenance.errors import ConfigError, InputError

BLOCK = 1 << 16

SCHEMES = ("s3://", "gs://", "gcs://", "http://", "https://", "az://", "abfs://", "memory://")


def is_address(text: str) -> bool:
    """Whether it names something that is not on this machine's disk."""
    return text.lower().startswith(SCHEMES)


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder. Can be pickled; holds nothing open.

    Attributes:
        text: a path, or an address with its scheme.
    """

    text: str

    @property
    def name(self) -> str:
        """For people: without user, password and query, which may hold a signature."""
        if not is_address(self.text):
            return printable(self.text)
        scheme, _, rest = self.text.partition("://")
        host, slash, path = rest.partition("/")
        return printable(f"{scheme}://{host.rpartition('@')[2]}{slash}{path.split('?')[0]}")

    def under(self, name: str) -> Place:
        """A file below this folder."""
        if is_address(self.text):
            return Place(f"{self.text.rstrip('/')}/{name}")
        return Place(os.path.join(self.text, name))  # noqa: PTH118 - names may hold surrogates

    def is_folder(self) -> bool:
        """Whether files may lie below it.

        Raises:
            OSError: it cannot be asked.
        """
        if not is_address(self.text):
            return Path(self.text).is_dir()
        system, path = _system(self.text)
        return bool(_asked(system.isdir, path))

    def is_file(self) -> bool:
        """Whether it can be opened.

        Raises:
            OSError: it cannot be asked.
        """
        if not is_address(self.text):
            return Path(self.text).is_file()
        system, path = _system(self.text)
        return bool(_asked(system.isfile, path))

    def open(self) -> BinaryIO:
        """The file, seekable, for the caller to close.

        Raises:
            OSError: it cannot be opened.
        """
        if not is_address(self.text):
            # Never wait for a pipe or device that took a file's place.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
            descriptor = os.open(self.text, flags | getattr(os, "O_BINARY", 0))
            return os.fdopen(descriptor, "rb", buffering=0)
        system, path = _system(self.text)
        file = _asked(system.open, path, "rb", block_size=BLOCK, cache_type="readahead")
        return cast("BinaryIO", Answering(file))

    def files(self) -> Iterator[tuple[str, int]]:
        """Names below the folder with their sizes, in the order of a sorted walk.

        Links to folders are not followed: they may be loops.

        Raises:
            OSError: the folder cannot be listed.
        """
        return _remote_files(self.text) if is_address(self.text) else walk.files(self.text)


class Answering(io.RawIOBase):
    """A file whose every failure is an `OSError`: each scheme has errors of its own."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, as far as there is something."""
        data = _asked(self._file.read, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return int(_asked(self._file.seek, offset, whence))

    def tell(self) -> int:
        """Where it is."""
        return int(self._file.tell())

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Let go of it."""
        if not self.closed:
            self._file.close()
        super().close()


def _asked(ask: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return ask(*args, **kwargs)
    except OSError:
        raise
    except Exception as error:  # botocore, aiohttp and gcsfs have trees of their own
        raise OSError(f"it could not be reached ({type(error).__name__})") from error


@cache
def _installed(scheme: str) -> Any:
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise ConfigError(
            "addresses need packages that are not installed: pip install 'provenance-kit[audit]'"
        ) from error
    try:
        # Neither instances nor listings of it are kept: data changes, and lists may be long.
        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"{scheme}:// needs a package that is not installed ({error}); install s3fs for s3, "
            "gcsfs for gs, aiohttp for http"
        ) from error


def _system(text: str) -> tuple[Any, str]:
    scheme = text.partition("://")[0].lower()
    system = _installed(scheme)
    return system, text if scheme in ("http", "https") else system._strip_protocol(text)


def _remote_files(text: str) -> Iterator[tuple[str, int]]:
    system, root = _system(text)
    root = root.rstrip("/")
    stack = [root]
    while stack:
        folder = stack.pop()
        entries = sorted(_asked(system.ls, folder, detail=True), key=lambda e: str(e["name"]))
        later = []
        for entry in entries:
            path = str(entry["name"]).rstrip("/")
            if path == folder:
                continue
            if entry.get("type") == "directory":
                later.append(path)
            else:
                yield path.removeprefix(root).lstrip("/"), int(entry.get("size") or 0)
        stack += reversed(later)


def existing(text: str) -> Place:
    """The place, if something is there.

    Raises:
        InputError: nothing is, or it cannot be asked.
    """
    place = Place(text)
    try:
        found = place.is_folder() or place.is_file()
    except OSError as error:
        raise InputError(f"{place.name} cannot be reached ({error}); check it") from error
    if not found:
        raise InputError(f"{place.name} is not there, or may not be read; check the path")
    return place
