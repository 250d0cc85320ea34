"""Reports as files: one page, or a folder of pages with a list. Each is written whole or not."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from provenance.codec.limits import Limits
from provenance.errors import OutputError
from provenance.evidence import Report
from provenance.files import write_atomically
from provenance.report.index import Entry, index
from provenance.report.page import page
from provenance.report.pictures import thumbnail_of

INDEX = "index.html"
_SUFFIXES = frozenset({".html", ".htm"})
_NAME = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_NAME = 40
_MOST_PICTURES = 500
"""Files that are listed with a small picture; later ones without, since the list is one file."""


def is_page(target: str | Path) -> bool:
    """Whether the name is one of a page; any other is one of a folder."""
    return Path(target).suffix.lower() in _SUFFIXES


class Pages(Protocol):
    """Where reports go as they come."""

    def add(self, report: Report, data: bytes, /) -> Path:
        """Write the page of one file."""

    def add_problem(self, name: str, problem: str, /) -> None:
        """Take note of a file that could not be examined."""

    def finish(self) -> Path | None:
        """Where to begin reading; None if nothing was written."""


class OnePage:
    """One report as one HTML file, which needs nothing beside it.

    The picture is in the page: it is as confidential as the file.

    Args:
        target: name of the page.
        limits: on bytes and pixels.
        overwrite: replace it if it exists.

    Raises:
        OutputError: it exists, and `overwrite` is false.
    """

    def __init__(
        self, target: str | Path, *, limits: Limits | None = None, overwrite: bool = False
    ) -> None:
        self._target = Path(target)
        self._limits = limits
        self._overwrite = overwrite
        self._written: Path | None = None
        if os.path.lexists(self._target) and not overwrite:
            raise OutputError(f"{self._target} exists; use --overwrite to replace it")

    def add(self, report: Report, data: bytes) -> Path:
        """Write the page.

        Raises:
            OutputError: it cannot be written.
        """
        text = page(report, data, limits=self._limits)
        self._written = write_atomically(
            self._target, text.encode("utf-8"), overwrite=self._overwrite
        )
        return self._written

    def add_problem(self, name: str, problem: str) -> None:
        """Nothing is written about a file that could not be examined."""

    def finish(self) -> Path | None:
        """The page, if it was written."""
        return self._written


class ReportFolder:
    """A folder with one page for each file, and a list. Pages are written as they are added.

    Args:
        folder: made if it is not there.
        limits: on bytes and pixels.
        overwrite: replace pages of an earlier run.

    Raises:
        OutputError: the folder cannot be made, or has a list already and `overwrite` is false.
    """

    def __init__(
        self, folder: str | Path, *, limits: Limits | None = None, overwrite: bool = False
    ) -> None:
        self.folder = Path(folder)
        self._limits = limits
        self._overwrite = overwrite
        self._entries: list[Entry] = []
        self._when = datetime.now(UTC)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {self.folder}: {error.strerror or error}; choose another"
            ) from error
        if os.path.lexists(self.folder / INDEX) and not overwrite:
            raise OutputError(f"{self.folder / INDEX} exists; use --overwrite to replace it")

    def add(self, report: Report, data: bytes) -> Path:
        """Write the page of one file.

        Raises:
            OutputError: it cannot be written.
        """
        address = f"{len(self._entries) + 1:04d}-{_slug(report.name)}.html"
        text = page(report, data, limits=self._limits, when=self._when, back=INDEX)
        written = write_atomically(
            self.folder / address, text.encode("utf-8"), overwrite=self._overwrite
        )
        few = len(self._entries) < _MOST_PICTURES
        small = thumbnail_of(data, self._limits) if report.width and few else None
        self._entries.append(Entry(report.name, report, address, small))
        return written

    def add_problem(self, name: str, problem: str) -> None:
        """List a file that could not be examined."""
        self._entries.append(Entry(name, problem=problem))

    def finish(self) -> Path:
        """Write the list.

        Raises:
            OutputError: it cannot be written.
        """
        text = index(self._entries, self._when)
        return write_atomically(
            self.folder / INDEX, text.encode("utf-8"), overwrite=self._overwrite
        )


def _slug(name: str) -> str:
    """A harmless file name that still resembles the name."""
    stem = Path(name.replace("\\", "/")).name
    return _NAME.sub("-", stem)[:_LONGEST_NAME].strip("-").lower() or "file"
