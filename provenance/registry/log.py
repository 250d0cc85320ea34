"""`Log`: an append-only file that tells what was issued and what was blocked, and cannot be recast.

One JSON entry a line. An entry counts once its line break is on the disk: bytes after the last line
break were never acknowledged, and the next writer removes them. Nothing else is ever removed.

Each entry names the hash of the one before, so that a change in the middle shows by itself; who
rewrites all that follows, or cuts the end, is found by a head that was kept elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from provenance._per_process import PerProcess
from provenance.errors import RegistryUnavailable
from provenance.registry import merkle
from provenance.registry._file_lock import locked
from provenance.registry.entry import Entry, Event, Issued
from provenance.registry.proof import Growth, Head, Proof, Receipt

FIRST = "0" * 64
"""What the first entry names as the one before."""

MAX_LINE = 1 << 16
"""Bytes; no entry of ours is longer."""

_BLOCK = 1 << 20
_LONGEST = 1 << 26

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "it may not be opened; check the permissions of the file and its folder",
    errno.EPERM: "it may not be opened; check the permissions of the file and its folder",
    errno.ELOOP: "it is a symbolic link; name the file itself",
    errno.EISDIR: "it is a folder; name a file",
    errno.EFBIG: "it is larger than this system allows; raise the limit on file size",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the log that ought not to be there.

    Attributes:
        index: the entry, from 0, or the number of entries for what is missing at the end.
        problem: in plain words.
    """

    index: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading all of the log found.

    Attributes:
        head: of the log as it stands.
        findings: empty if nothing was edited, removed, reordered or cut.
        unfinished: bytes of an entry that was never acknowledged, at the end.
    """

    head: Head
    findings: tuple[Finding, ...]
    unfinished: int = 0

    @property
    def holds(self) -> bool:
        """True if nothing was found."""
        return not self.findings


class Log:
    """A log in a file. Safe with many processes, threads and forks.

    Args:
        path: made with mode 0600 when first written, and its folder with 0700.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen = PerProcess(_Seen)

    def append(self, event: Event) -> Receipt:
        """Write one entry; it is on the disk when this returns.

        Raises:
            RegistryUnavailable: it could not be written, and is not in the log.
        """
        seen = self._seen()
        with seen.lock, self._file(write=True) as file, locked(file, write=True):
            seen.follow(file, self.path)
            _remove_unfinished(file, seen.end)
            entry = Entry(seen.frontier.size, datetime.now(UTC), event, seen.previous)
            line = entry.to_line()
            if len(line) > MAX_LINE:
                raise RegistryUnavailable(
                    f"the entry has {len(line)} bytes, the log takes {MAX_LINE}; shorten its names"
                )
            _write_durably(file, line + b"\n", seen.end)
            if entry.index == 0:
                _sync_folder(self.path.parent)
            seen.take(line)
            head = Head(seen.frontier.size, seen.frontier.root.hex())
            return Receipt(entry.index, seen.previous, head)

    def head(self) -> Head:
        """What the log stands for now; keep it elsewhere.

        Raises:
            RegistryUnavailable: the log cannot be read.
        """
        seen = self._seen()
        with seen.lock, self._file() as file, locked(file):
            seen.follow(file, self.path)
            return Head(seen.frontier.size, seen.frontier.root.hex())

    def verify(self, expected: Head | None = None) -> Verification:
        """Read all of it again, and find what was edited, removed, reordered or cut.

        Args:
            expected: a head kept from before; only with one can a log that was cut at its end, or
                written anew as a whole, be told from a good one.

        Raises:
            RegistryUnavailable: the log cannot be read.
        """
        frontier, findings = merkle.Frontier(), []
        previous, passed = FIRST, expected is None
        with self._file() as file:
            with locked(file):  # what a writer is about to finish is not unfinished
                end, unfinished = _extent(file)
            for line in _lines(file, end):
                if expected is not None and frontier.size == expected.size:
                    passed = frontier.root.hex() == expected.root
                problem = _problem(line, frontier.size, previous)
                if problem:
                    findings.append(Finding(frontier.size, problem))
                leaf = merkle.leaf_hash(line)
                frontier.add(leaf)
                previous = leaf.hex()
        head = Head(frontier.size, frontier.root.hex())
        if expected is not None:
            passed = passed or head == expected
            if head.size < expected.size:
                missing = expected.size - head.size
                findings.append(Finding(head.size, f"{missing} entries are missing at the end"))
            elif not passed:
                text = f"the first {expected.size} entries are not those of the head given"
                findings.append(Finding(expected.size, text))
        return Verification(head, tuple(findings), unfinished)

    def prove(self, wanted: int | str) -> Proof | None:
        """A proof that an entry is part of the log as it stands; None if there is no such entry.

        Args:
            wanted: its index, or a manifest id, whose first entry is taken.

        Raises:
            RegistryUnavailable: the log cannot be read.
        """
        leaves, found = [], None
        with self._file() as file:
            for index, line in enumerate(_lines(file, _extent(file)[0])):
                leaves.append(merkle.leaf_hash(line))
                if found is None and _is_wanted(line, index, wanted):
                    found = index, line
        if found is None:
            return None
        path = tuple(part.hex() for part in merkle.prove(leaves, found[0]))
        frontier = merkle.Frontier()
        for leaf in leaves:
            frontier.add(leaf)
        head = Head(len(leaves), frontier.root.hex())
        return Proof(found[1].decode("ascii", "replace"), found[0], path, head)

    def prove_growth(self, first: Head) -> Growth | None:
        """A proof that the log as it stands goes on from a head; None if it does not.

        Args:
            first: kept from before, of at least one entry.

        Raises:
            RegistryUnavailable: the log cannot be read.
        """
        leaves, frontier, passed = [], merkle.Frontier(), False
        with self._file() as file:
            for line in _lines(file, _extent(file)[0]):
                leaves.append(merkle.leaf_hash(line))
                frontier.add(leaves[-1])
                if frontier.size == first.size:
                    passed = frontier.root.hex() == first.root
        if not passed:
            return None
        path = tuple(part.hex() for part in merkle.prove_growth(leaves, first.size))
        return Growth(first, Head(len(leaves), frontier.root.hex()), path)

    def export(self) -> Iterator[Entry]:
        """All entries, oldest first.

        Raises:
            RegistryUnavailable: the log cannot be read, or holds something else than entries.
        """
        with self._file() as file:
            for index, line in enumerate(_lines(file, _extent(file)[0])):
                try:
                    yield Entry.from_line(line)
                except ValueError as error:
                    raise RegistryUnavailable(
                        f"entry {index} of the log {self.path} is damaged; run provenance log "
                        "verify, and restore the log from your backup"
                    ) from error

    @contextlib.contextmanager
    def _file(self, *, write: bool = False) -> Iterator[BinaryIO]:
        """The file, unbuffered; where there is none, an empty one is written or read."""
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
            flags |= getattr(os, name, 0)
        try:
            if write and not self.path.exists():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                descriptor = os.open(self.path, flags, 0o600)
            except FileNotFoundError:
                if write:
                    raise
                descriptor = os.open(os.devnull, os.O_RDONLY)
            with open(descriptor, "r+b" if write else "rb", buffering=0) as file:  # noqa: PTH123
                yield file
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
            raise RegistryUnavailable(f"the log {self.path} cannot be used: {reason}") from error


class _Seen:
    """How far one process has read, so that a new entry costs no second reading."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._forget(None)

    def _forget(self, file: tuple[int, int] | None) -> None:
        self._identity = file
        self.end = 0
        self.previous = FIRST
        self.frontier = merkle.Frontier()

    def follow(self, file: BinaryIO, path: Path) -> None:
        """Take in what other processes appended."""
        status = os.fstat(file.fileno())
        identity = (status.st_dev, status.st_ino)
        if self._identity not in (None, identity) or status.st_size < self.end:
            size = self.frontier.size
            raise RegistryUnavailable(
                f"the log {path} was cut or replaced while it was in use, after {size} entries; "
                "restore it from your backup, then start the program again"
            )
        if status.st_size:
            self._identity = identity
        for line in _lines(file, _extent(file, self.end)[0], self.end):
            self.take(line)

    def take(self, line: bytes) -> None:
        """One more entry."""
        leaf = merkle.leaf_hash(line)
        self.frontier.add(leaf)
        self.previous = leaf.hex()
        self.end += len(line) + 1


def _extent(file: BinaryIO, start: int = 0) -> tuple[int, int]:
    """Where the last finished entry ends, and how many bytes follow it."""
    size = os.fstat(file.fileno()).st_size
    at = size
    while at > start:
        begin = max(start, at - 4096)
        file.seek(begin)
        place = _exactly(file, at - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1, size - begin - place - 1
        at = begin
    return start, max(0, size - start)


def _lines(file: BinaryIO, end: int, start: int = 0) -> Iterator[bytes]:
    """The finished entries between two offsets, without their line breaks."""
    file.seek(start)
    rest = b""
    while start < end:
        block = _exactly(file, min(_BLOCK, end - start))
        start += len(block)
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST:
            raise OSError(errno.EIO, "it holds no line breaks, so it is damaged, or no log")


def _exactly(file: BinaryIO, count: int) -> bytes:
    parts = []
    while count:
        part = file.read(count)
        if not part:
            raise OSError(errno.EIO, "it became shorter while it was read")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _remove_unfinished(file: BinaryIO, end: int) -> None:
    if os.fstat(file.fileno()).st_size > end:
        os.ftruncate(file.fileno(), end)


def _write_durably(file: BinaryIO, data: bytes, end: int) -> None:
    """All of it on the disk, or none of it in the file."""
    file.seek(end)
    try:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), end)
            os.fsync(file.fileno())
        raise


def _sync_folder(folder: Path) -> None:
    """Bring the file's name to the disk, where folders can be synced at all."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _problem(line: bytes, index: int, previous: str) -> str | None:
    try:
        entry = Entry.from_line(line)
    except ValueError:
        return "it is damaged, or no entry of ours"
    if entry.index != index:
        return f"it says that it is entry {entry.index}: something was removed, added or reordered"
    if entry.previous != previous:
        return "it does not follow the entry before it: one of them was edited or exchanged"
    return None


def _is_wanted(line: bytes, index: int, wanted: int | str) -> bool:
    if isinstance(wanted, int):
        return index == wanted
    if wanted.encode("utf-8", "replace") not in line:
        return False
    try:
        event = Entry.from_line(line).event
    except ValueError:
        return False
    return isinstance(event, Issued) and event.manifest_id == wanted
