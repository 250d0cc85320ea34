"""Folders of files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from provenance.audit.interface import Sample, Shard, printable
from provenance.audit.sources.places import Place
from provenance.errors import InputError

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Names of folders that are taken for splits."""


class FolderSource:
    """All files below a folder, here or at an address.

    A folder named as a split gives the split, the folder next to the file its class.

    Args:
        folder: where to begin.
        files: in a shard, at most. The first shards hold fewer, so that a small folder is shared
            among all workers and a long run shows at once that it moves.
    """

    def __init__(self, folder: Place, files: int = 500) -> None:
        self._folder = folder
        self._files = files

    @property
    def name(self) -> str:
        """The folder."""
        return self._folder.name

    def shards(self) -> Iterator[Shard]:
        """Runs of files in the order of a walk; bounded by the largest single folder.

        Raises:
            InputError: it cannot be listed.
        """
        number, names, size = 0, list[str](), 0
        most = _sizes(self._files)
        wanted = next(most)
        try:
            for name, length in self._folder.files():
                names.append(name)
                size += length
                if len(names) == wanted:
                    yield _shard(number, names, size)
                    number, names, size = number + 1, [], 0
                    wanted = next(most)
        except OSError as error:
            raise InputError(
                f"{self.name} cannot be listed ({error.strerror or error}); check it"
            ) from error
        if names:
            yield _shard(number, names, size)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The files of a shard. One that has gone since is a sample that cannot be opened."""
        for offset, name in enumerate(shard.where["files"]):
            label, split = sorted_into(name)
            place = self._folder.under(name)
            yield Sample(printable(name), offset, place.open, label=label, split=split)


def _sizes(most: int) -> Iterator[int]:
    """Of shards: eight of each size, from 16 files on, until they are as large as they may be."""
    size = min(16, most)
    while size < most:
        yield from repeat(size, 8)
        size = min(2 * size, most)
    yield from repeat(most)


def sorted_into(name: str) -> tuple[str, str]:
    """Class and split of a file by the folders it lies in; empty for none."""
    parts = name.split("/")[:-1]
    split = next((part for part in parts if part.lower() in SPLITS), "")
    label = parts[-1] if parts and parts[-1] != split else ""
    return printable(label), printable(split)


def _shard(number: int, names: list[str], size: int) -> Shard:
    return Shard(number, printable(names[0]), {"files": names}, len(names), size)
