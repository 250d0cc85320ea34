"""Finds the kind of dataset that a path or an address leads to."""

from __future__ import annotations

from pathlib import Path

from provenance.audit.interface import Source
from provenance.audit.sources.folder import FolderSource
from provenance.errors import InputError


def opened(text: str) -> Source:
    """The source behind a path or an address.

    Raises:
        InputError: nothing is there, or no dataset that we know.
    """
    path = Path(text)
    if path.is_dir():
        return FolderSource(path)
    raise InputError(f"'{text}' is no dataset that is read here; expected a folder")
