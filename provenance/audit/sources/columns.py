"""Pictures in the columns of tables: which column, and what a cell of it holds.

Hugging Face's image feature is a struct of `bytes` and `path`; others keep bytes or a path alone.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from provenance.audit.interface import Sample, printable
from provenance.audit.sources.network import forbidden
from provenance.audit.sources.places import Place, is_address
from provenance.errors import InputError

PICTURES = ("image", "img", "picture", "jpg", "jpeg", "png", "webp", "bytes", "image_bytes", "data")
PATHS = ("path", "file", "file_name", "filename", "filepath", "image_path", "url", "image_url")
LABELS = ("label", "class", "category", "target")
SPLITS = ("split", "subset", "partition")
NAMES = ("id", "key", "name", "__key__", "image_id", "file_name", "filename", "path")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where to look in a table.

    Attributes:
        picture: column with pictures, or with paths and addresses of them.
        label: of the class, or empty.
        split: or empty.
        named: column that names a row, or empty.
    """

    picture: str
    label: str = ""
    split: str = ""
    named: str = ""

    @property
    def wanted(self) -> list[str]:
        """Their names, each once."""
        return list(
            dict.fromkeys(c for c in (self.picture, self.label, self.split, self.named) if c)
        )


def chosen(names: Sequence[str], where: str, wanted: str = "") -> Columns:
    """The columns of a table by their names.

    Args:
        names: of all columns.
        where: the table, for messages.
        wanted: the column with the pictures, if somebody knows better.

    Raises:
        InputError: no column can hold pictures.
    """
    if wanted and wanted not in names:
        raise InputError(f"{where} has no column '{wanted}'; it has {', '.join(names) or 'none'}")
    lowered = {name.lower(): name for name in reversed(names)}

    def first(candidates: Sequence[str]) -> str:
        return next((lowered[c] for c in candidates if c in lowered), "")

    picture = wanted or first(PICTURES) or first(PATHS)
    if not picture:
        raise InputError(
            f"{where} has no column of pictures; it has {', '.join(names) or 'none'}; name one "
            "with --column"
        )
    named = next((lowered[c] for c in NAMES if c in lowered and lowered[c] != picture), "")
    return Columns(picture, first(LABELS), first(SPLITS), named)


def sample(row: Mapping[str, Any], columns: Columns, offset: int, name: str, root: Place) -> Sample:
    """The sample of one row.

    Args:
        row: values by column.
        columns: which are which.
        offset: of the row in its shard.
        name: of the row where no column names it.
        root: the folder below which paths must lie.
    """
    cell = row.get(columns.picture)
    label, split = (_text(row.get(c)) if c else "" for c in (columns.label, columns.split))
    path = _text(row.get(columns.named)) if columns.named else ""
    if isinstance(cell, Mapping):  # {"bytes": …, "path": …}
        path = path or _text(cell.get("path"))
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, bytes | bytearray | memoryview):
        data = bytes(cell)
        shown = f"{name}/{path}" if path else name
        return Sample(shown, offset, partial(io.BytesIO, data), len(data), label, split)
    if isinstance(cell, str) and cell:
        place, problem = located(cell, root)
        return Sample(printable(cell), offset, place.open, None, label, split, problem)
    problem = f"the column '{columns.picture}' holds no picture here"
    return Sample(f"{name}/{path}" if path else name, offset, _nothing, None, label, split, problem)


def located(text: str, root: Place) -> tuple[Place, str]:
    """The place that a table names, and why it is not opened, if so.

    A table is as hostile as its pictures: its paths may not lead out of the folder, and its
    addresses not into the network that we are in.
    """
    if is_address(text):
        return Place(text, foreign=True), forbidden(text)
    if "://" in text or "\0" in text:
        return root, "it is neither a path nor an address that is read here"
    inside = os.path.normpath(text)
    if Path(inside).is_absolute() or Path(inside).parts[:1] == (os.pardir,):
        return root, "its path leads out of the folder of the table; give --root if that is meant"
    if root.text.lower().startswith(("http://", "https://")):
        inside = quote(inside)
    return root.under(inside), ""


def _text(value: Any) -> str:
    if value is None or isinstance(value, bytes | Mapping | list):
        return ""
    return printable(str(value))[:400]


def _nothing() -> BinaryIO:
    raise OSError("there is nothing to read")
