"""Finds the kind of dataset that paths, patterns or addresses lead to."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from provenance.audit.interface import Source
from provenance.audit.sources import film, listing, tar
from provenance.audit.sources.film import FilmSource
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.hugging_face import HuggingFaceSource
from provenance.audit.sources.joined import JoinedSource
from provenance.audit.sources.listing import ListingSource
from provenance.audit.sources.parquet import ParquetSource
from provenance.audit.sources.places import Place, existing, is_address
from provenance.audit.sources.tar import TarSource
from provenance.audit.sources.zip import ZipSource
from provenance.errors import InputError

KINDS = (
    "a folder, .tar or .zip archives, .parquet, .csv, .tsv or .jsonl tables, a dataset saved by "
    "Hugging Face's datasets, or a film"
)


def opened(texts: Sequence[str], *, column: str = "", root: str = "") -> Source:
    """The source behind paths, patterns such as `shards/*.tar`, or addresses.

    Args:
        texts: at least one.
        column: of tables: the one with the pictures; found by its name if empty.
        root: of tables: the folder of the paths in them; the table's own if empty.

    Raises:
        InputError: nothing is there, or no dataset that we know.
    """
    places = [place for text in texts for place in _matching(text)]
    below = Place(root) if root else None
    sources: list[Source] = []
    archives = [p for p in places if p.text.lower().endswith(tar.SUFFIXES)]
    tables = [p for p in places if p.text.lower().endswith(".parquet")]
    films = [p for p in places if p.text.lower().endswith(film.SUFFIXES)]
    if archives:
        sources.append(TarSource(archives))
    if tables:
        sources.append(ParquetSource(tables, column, below))
    if films:
        sources.append(FilmSource(films))
    rest = [p for p in places if p not in {*archives, *tables, *films}]
    sources += [_other(p, column, below) for p in rest]
    return sources[0] if len(sources) == 1 else JoinedSource(sources)


def _matching(text: str) -> list[Place]:
    """A place that exists, or all that a pattern matches, sorted."""
    if not is_address(text) and glob.has_magic(text) and not Path(text).exists():
        found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - absolute ones too
        if not found:
            raise InputError(f"nothing matches '{text}'")
        return [Place(name) for name in found]
    return [existing(text)]


def _other(place: Place, column: str, root: Place | None) -> Source:
    lowered = place.text.lower()
    if lowered.endswith(".zip"):
        return ZipSource(place)
    if lowered.endswith(listing.SUFFIXES):
        return ListingSource(place, column, root)
    if place.is_folder():
        path = Path(place.text)
        if not is_address(place.text) and HuggingFaceSource.is_one(path):
            return HuggingFaceSource(path, column)
        return FolderSource(place)
    raise InputError(f"{place.name} is no dataset that is read here; expected {KINDS}")
