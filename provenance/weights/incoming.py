"""Files on their way into the store: written beside their place, hashed, checked, then renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from provenance.errors import OutputError
from provenance.weights.formats import inspect
from provenance.weights.interface import PullFailed
from provenance.weights.pins import Pin

BLOCK = 1 << 18

Report = Callable[[str, int, int | None], None]
"""Told the file's name, the bytes so far, and the bytes in all where they are known."""


def silent(name: str, done: int, total: int | None) -> None:
    """Report nothing."""


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def part_of(target: Path) -> Path:
    """Where a file is written until it is whole."""
    return target.with_name(f".{target.name}.part")


def take(
    source: Readable, target: Path, size: int | None, limit: int, report: Report = silent
) -> Pin:
    """Copy `source` to the part of `target`, and return its hash and length.

    Raises:
        PullFailed: it is longer than `limit`, or cannot be read.
        OutputError: it cannot be written.
    """
    digest, done = hashlib.sha256(), 0
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with part_of(target).open("wb") as file:
            while block := _read(source, target.name):
                done += len(block)
                if done > limit:
                    break
                file.write(block)
                digest.update(block)
                report(target.name, done, size)
        if done > limit:
            part_of(target).unlink()
            raise PullFailed(f"{target.name} has more than the {limit:,} bytes expected")
    return Pin(digest.hexdigest(), done)


def _read(source: Readable, name: str) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as error:
        raise PullFailed(f"cannot read {name}: {error.strerror or error}") from error


def compare(target: Path, found: Pin, wanted: Pin) -> None:
    """Delete the part and refuse it unless it is what was wanted.

    Raises:
        PullFailed: it is something else; the message has both hashes.
    """
    if found.sha256 == wanted.sha256 and wanted.size in {None, found.size}:
        return
    part_of(target).unlink(missing_ok=True)
    raise PullFailed(
        f"{target.name} is not what is pinned: its SHA-256 is {found.sha256} ({found.size:,} "
        f"bytes), expected {wanted.sha256}; nothing was installed"
    )


def finish(target: Path) -> None:
    """Give the part its name, once it is on the disk and its format is what the name says.

    Raises:
        PullFailed: the format is refused; the part is deleted.
        OutputError: it cannot be renamed.
    """
    part = part_of(target)
    with writing(target):
        try:
            inspect(part, target.name)
        except PullFailed:
            part.unlink(missing_ok=True)
            raise
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what the disk says into one sentence.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", -1)}:
            why = "the disk is full; free some space, and the same command goes on where it stopped"
        else:
            why = f"{error.strerror or error}; set $PROVENANCE_MODELS to another folder"
        raise OutputError(f"cannot write {target}: {why}") from error
