"""Walks through folders of this machine, in the order of names, however many a folder holds."""

from __future__ import annotations

import heapq
import os
import stat
import tempfile
from collections.abc import Iterator
from itertools import islice

AUDIT = ".provenance-audit"
"""The file by which the folder of an audit is told."""

RUN = 500_000
"""Names of one folder that are sorted in memory; more go through sorted runs on disk."""

_Entry = tuple[str, bool]
"""A name, and whether it is a folder."""


def files(folder: str) -> Iterator[tuple[str, int]]:
    """Names below a folder with their sizes, sorted folder by folder.

    Links to folders are not followed: they may be loops.

    Raises:
        OSError: the folder cannot be listed.
    """
    stack = [_listed(folder)]
    prefixes = [""]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            prefixes.pop()
            continue
        name, is_folder = prefixes[-1] + entry[0], entry[1]
        path = os.path.join(folder, name)  # noqa: PTH118 - names may hold surrogates
        try:
            if is_folder:
                stack.append(_listed(path))
                prefixes.append(name + "/")
                continue
            status = os.stat(path)  # noqa: PTH116 - likewise
        except OSError:
            yield name, 0  # leads nowhere, or may not be read: told when it is opened
            continue
        if stat.S_ISREG(status.st_mode):
            yield name, status.st_size


def _listed(folder: str) -> Iterator[_Entry]:
    """What is in a folder, by name; nothing if it holds an audit, which may be the one at work."""
    runs: list[Iterator[_Entry]] = []
    last: list[_Entry] = []
    with os.scandir(folder) as entries:
        named = ((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        while part := sorted(islice(named, RUN)):
            if any(name == AUDIT for name, _ in part):
                return iter(())
            if last:
                runs.append(_kept(last))
            last = part
    return heapq.merge(*runs, last) if runs else iter(last)


def _kept(entries: list[_Entry]) -> Iterator[_Entry]:
    """The entries, on disk until they are asked for. No name holds a zero byte."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the last name was read
    for name, is_folder in entries:
        file.write(os.fsencode(name) + (b"\0/\0" if is_folder else b"\0.\0"))
    file.seek(0)

    def read() -> Iterator[_Entry]:
        with file:
            rest = b""
            while data := file.read(1 << 16):
                *texts, rest = (rest + data).split(b"\0")
                if len(texts) % 2:
                    rest = texts.pop() + b"\0" + rest
                for name, kind in zip(texts[::2], texts[1::2], strict=True):
                    yield os.fsdecode(name), kind == b"/"

    return read()
