"""Files and folders, here or at an address such as `s3://bucket/data`, through one door.

Reading a head fetches a head: blocks of 68 KiB, each by a range request, through fsspec from object
stores (s3fs, gcsfs … bring the schemes) and by our own reader from web servers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from provenance.audit.interface import printable
from provenance.audit.sources import stores, walk, web
from provenance.errors import InputError

SCHEMES = ("s3://", "gs://", "gcs://", "http://", "https://", "az://", "abfs://", "memory://")


def is_address(text: str) -> bool:
    """Whether it names something that is not on this machine's disk."""
    return text.lower().startswith(SCHEMES)


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder. Can be pickled; holds nothing open.

    Attributes:
        text: a path, or an address with its scheme.
        foreign: a table named it, and not the user.
    """

    text: str
    foreign: bool = False

    @property
    def name(self) -> str:
        """For people: without user, password and query, which may hold a signature."""
        if not is_address(self.text):
            return printable(self.text)
        scheme, _, rest = self.text.partition("://")
        host, slash, path = rest.split("?")[0].partition("/")
        return printable(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")

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
        return web.is_page(self.text) if self._is_web else stores.is_folder(self.text)

    def is_file(self) -> bool:
        """Whether it can be opened.

        Raises:
            OSError: it cannot be asked.
        """
        if not is_address(self.text):
            return Path(self.text).is_file()
        return web.is_file(self.text) if self._is_web else stores.is_file(self.text)

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
        if self._is_web:
            return web.opened(self.text, foreign=self.foreign)
        return stores.opened(self.text)

    def files(self) -> Iterator[tuple[str, int]]:
        """Names below the folder with their sizes, in the order of a sorted walk.

        Links to folders are not followed: they may be loops.

        Raises:
            OSError: the folder cannot be listed.
        """
        if not is_address(self.text):
            return walk.files(self.text)
        return web.files(self.text) if self._is_web else stores.files(self.text)

    @property
    def _is_web(self) -> bool:
        return self.text.lower().startswith(("http://", "https://"))


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
