"""Tar archives, WebDataset shards among them: one shard for each archive."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from lzma import LZMAError
from typing import IO, Any, BinaryIO, Self, cast

from provenance.audit.interface import Sample, Shard, printable
from provenance.audit.sources.folder import sorted_into
from provenance.audit.sources.places import Place

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")

BESIDE = frozenset({"json", "txt", "cls", "cls2", "npy", "npz", "pyd", "id", "caption", "md"})
"""Endings that WebDataset gives to what stands beside a picture."""

_MOST = 256 * 1024 * 1024
"""Bytes of a file in a compressed archive, which has to be read wholly to come to the next."""

_SPOKEN = 1 << 20
"""Bytes of a name or of attributes that stand before a file: on Linux 4 KiB and 64 KiB each."""

_BEFORE = frozenset(
    {
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    }
)

_BROKEN = (
    *(tarfile.TarError, zlib.error, LZMAError, EOFError, ValueError, OverflowError),
    RecursionError,  # of headers about headers
)


class TarSource:
    """The files of tar archives. Nothing is unpacked.

    Args:
        archives: in their order.
    """

    def __init__(self, archives: Sequence[Place]) -> None:
        self._archives = tuple(archives)

    @property
    def name(self) -> str:
        """The first archive, and how many there are."""
        more = f" and {len(self._archives) - 1} more" if len(self._archives) > 1 else ""
        return f"{self._archives[0].name}{more}"

    def shards(self) -> Iterator[Shard]:
        """One for each archive."""
        for number, archive in enumerate(self._archives):
            yield Shard(number, archive.name, {"archive": archive.text})

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """Its files in order. Where the archive breaks off, a last sample says so.

        Raises:
            OSError: the archive cannot be opened.
        """
        place = Place(shard.where["archive"])
        prefix = f"{place.name.rsplit('/', 1)[-1]}/" if len(self._archives) > 1 else ""
        offset = 0
        with place.open() as file:
            try:
                # Compressed archives are read as streams: going back would unpack from the start.
                plain = _is_plain(file)
                with tarfile.open(
                    fileobj=file, mode="r:" if plain else "r|*", tarinfo=_Header
                ) as archive:
                    for member in archive:
                        archive.members = []  # type: ignore[attr-defined] # else all are kept
                        if not member.isfile() or _is_beside(member.name):
                            continue
                        yield _sample(archive, member, prefix, offset, plain=plain)
                        offset += 1
            except _BROKEN as error:
                problem = (
                    f"the archive is broken here ({type(error).__name__}); what follows is lost"
                )
                yield Sample(f"{prefix}(broken)", offset, _nothing, problem=problem)


class _Header(tarfile.TarInfo):
    """Says of a damaged header that it is one, which Python takes for the end of the archive.

    Nor does it lead backwards, which Python follows for ever (CVE-2025-8194), or fill the memory.
    """

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0 or (info.type in _BEFORE and info.size > _SPOKEN):
            raise tarfile.ReadError("bad size")
        return info

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        begin = archive.fileobj.tell()
        try:
            info = super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("EOFHeaderError", "EmptyHeaderError"):
                raise  # the end indeed
            raise tarfile.ReadError(str(error)) from error
        if info.size < 0 or archive.offset <= begin:
            raise tarfile.ReadError("bad size")
        return info


def _sample(
    archive: tarfile.TarFile, member: tarfile.TarInfo, prefix: str, offset: int, *, plain: bool
) -> Sample:
    label, split = sorted_into(member.name)
    opened = partial(_open, archive, member) if plain else partial(_read, archive, member)
    name = prefix + printable(member.name)
    return Sample(name, offset, opened, member.size, label, split)


def _open(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    file = archive.extractfile(member)
    if file is None:
        raise OSError("it is no file")
    return cast("BinaryIO", _Answering(file))


class _Answering(io.RawIOBase):
    """A file of an archive whose every failure is an `OSError`."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except _BROKEN as error:
            raise OSError("the archive ends before it does") from error
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    if member.size > _MOST:
        raise OSError(f"it has {member.size:,} bytes, in a compressed archive {_MOST:,} are read")
    with _open(archive, member) as file:
        data = file.read(_MOST)
    if len(data) < member.size:
        raise OSError("the archive ends before it does")
    return io.BytesIO(data)


def _nothing() -> BinaryIO:
    raise OSError("there is nothing to read")


def _is_beside(name: str) -> bool:
    base = name.rsplit("/", 1)[-1]
    return base.startswith("._") or base.rpartition(".")[2].lower() in BESIDE


def _is_plain(file: BinaryIO) -> bool:
    head = file.read(6)
    file.seek(0)
    packed = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
    return not head.startswith(packed)
