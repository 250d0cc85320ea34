"""A progress bar on stderr, for people only: never in a pipe, never for a single file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(items: Sequence[T], verb: str) -> Iterator[T]:
    """Yield the items, drawing a bar with the time left while a person is watching."""
    if len(items) < 2 or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=verb, console=Console(stderr=True), transient=True)
