"""Zip archives."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from provenance.audit.interface import Sample, Shard, printable
from provenance.audit.sources.folder import sorted_into
from provenance.audit.sources.places import Place
from provenance.errors import InputError

_MOST = 256 * 1024 * 1024
_FILES = 500


class ZipSource:
    """The files of a zip archive. Nothing is unpacked to disk.

    Args:
        archive: the archive.
    """

    def __init__(self, archive: Place) -> None:
        self._archive = archive

    @property
    def name(self) -> str:
        """The archive."""
        return self._archive.name

    def shards(self) -> Iterator[Shard]:
        """Runs of files in the order of its directory.

        Raises:
            InputError: it is no zip archive, or a broken one.
        """
        try:
            with self._archive.open() as file, zipfile.ZipFile(file) as archive:
                entries = _entries(archive)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise InputError(f"{self.name} cannot be read as a zip archive ({error})") from error
        for number, start in enumerate(range(0, len(entries), _FILES)):
            part = entries[start : start + _FILES]
            size = sum(entry.file_size for entry in part)
            where = {"from": start, "to": start + len(part)}
            yield Shard(number, printable(part[0].filename), where, len(part), size)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """The files of a shard, in order.

        Raises:
            OSError: the archive cannot be read now.
        """
        with self._archive.open() as file:
            try:
                archive = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, ValueError) as error:
                raise OSError(f"{self.name} is no zip archive any more") from error
            with archive:
                entries = _entries(archive)[shard.where["from"] : shard.where["to"]]
                for offset, entry in enumerate(entries):
                    label, split = sorted_into(entry.filename)
                    opened = partial(_read, archive, entry)
                    name = printable(entry.filename)
                    yield Sample(name, offset, opened, entry.file_size, label, split)


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files by their place in the directory; the Macintosh's doubles of them are left out."""
    return [e for e in archive.infolist() if not e.is_dir() and not _is_double(e.filename)]


def _is_double(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] == ".DS_Store"


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    """The file in memory, as far as the limit: what the directory says of its size may be a lie."""
    if entry.flag_bits & 1:
        raise OSError("it is encrypted")
    try:
        with archive.open(entry) as file:
            data = file.read(_MOST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise OSError(f"the archive is broken here ({type(error).__name__})") from error
    if len(data) > _MOST:
        raise OSError(f"it has over {_MOST:,} bytes")
    return io.BytesIO(data)
