"""Lists of labelled pictures, and which of them are taken."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from provenance import Picture
from provenance.errors import ProvenanceError

LEAST = 128
"""Pictures with a shorter side under this are left out."""


def listed(lists: list[Path]) -> Iterator[tuple[Path, str, str]]:
    """Path, label and source of every picture."""
    for each in lists:
        with each.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["label"] in ("ai", "real", "graphic"):
                    yield (
                        each.parent / row["path"],
                        row["label"],
                        row.get("source") or row["source_repo"],
                    )


def opened(path: Path) -> Picture | None:
    """The picture, or None if it cannot be read or is too small."""
    try:
        picture = Picture.open(path)
    except (ProvenanceError, OSError) as error:
        print(f"{path}: {error}")
        return None
    return picture if min(picture.width, picture.height) >= LEAST else None
