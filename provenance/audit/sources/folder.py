"""Folders of files, and globs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from provenance.audit.interface import Sample, Shard, printable
from provenance.errors import InputError

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Names of folders that are taken for splits."""


class FolderSource:
    """All files below a folder, by name. Links to folders are not followed: they may be loops.

    A folder named as a split gives the split, the folder next to the file its class.

    Args:
        folder: where to begin.
        files: in a shard.
    """

    def __init__(self, folder: Path, files: int = 500) -> None:
        self._folder = folder
        self._files = files

    @property
    def name(self) -> str:
        """The folder."""
        return printable(str(self._folder))

    def shards(self) -> Iterator[Shard]:
        """Runs of files in the order of a walk; bounded by the largest single folder.

        Raises:
            InputError: it is no folder.
        """
        if not self._folder.is_dir():
            raise InputError(f"{self.name} is no folder")
        number, names, size = 0, list[str](), 0
        for name, length in _walk(os.fspath(self._folder)):
            names.append(name)
            size += length
            if len(names) == self._files:
                yield self._shard(number, names, size)
                number, names, size = number + 1, [], 0
        if names:
            yield self._shard(number, names, size)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The files of a shard. One that has gone since is a sample that cannot be opened."""
        for offset, name in enumerate(shard.where["files"]):
            path = self._folder / name
            parts = name.split("/")[:-1]
            split = next((p for p in parts if p.lower() in SPLITS), "")
            label = parts[-1] if parts and parts[-1] != split else ""
            yield Sample(
                printable(name),
                offset,
                partial(_open, path),
                label=printable(label),
                split=printable(split),
            )

    def _shard(self, number: int, names: list[str], size: int) -> Shard:
        return Shard(number, printable(names[0]), {"files": names}, len(names), size)


def _walk(folder: str) -> Iterator[tuple[str, int]]:
    """Names below a folder with their sizes, folders in their place among the files."""
    stack: list[Iterator[os.DirEntry[str]]] = [iter(_listed(folder))]
    prefixes = [""]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            prefixes.pop()
            continue
        name = prefixes[-1] + entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                stack.append(iter(_listed(entry.path)))
                prefixes.append(name + "/")
            elif entry.is_file():
                yield name, entry.stat().st_size
            elif entry.is_symlink() and not entry.is_dir():
                yield name, 0  # leads nowhere
        except OSError:
            yield name, 0  # told of as unreadable when it is opened


def _listed(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _open(path: Path) -> BinaryIO:
    # Never wait for a pipe or device that took a file's place.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb", buffering=0)
