"""Files that a generator leaves on the disk and names by their paths.

Such a file belongs to the pipeline from then on. It is replaced, atomically and under its own name,
by the protected one; if the picture is refused or anything fails, it is deleted, so that what is
not marked does not stay where somebody may publish it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from provenance.codec.decode import read_bytes
from provenance.codec.sniff import sniff
from provenance.errors import InputError, OutputError, UnsupportedPicture
from provenance.files import write_atomically
from provenance.integrations._texts import is_picture, kind
from provenance.picture import Asset

_COARSEST = 2.0
"""Seconds by which the time of a file may be too early: FAT counts in steps of two."""

_LONGEST = 4_096
"""Letters of a path (PATH_MAX of Linux)."""


class LeftFile:
    """One file with a picture, left by a generator.

    Attributes:
        path: without links.
        data: its bytes, as the generator wrote them.

    Args:
        path: as the generator gave it.
        since: when the call began, in seconds since the epoch.

    Raises:
        InputError: it cannot be read, and was deleted.
        UnsupportedPicture: it was there before the call. It is not touched: it may be an original
            that nobody wants replaced or deleted.
    """

    def __init__(self, path: str | os.PathLike[str], since: float) -> None:
        self._given = path
        self.path = Path(path).resolve()
        status = self.path.stat()
        if max(status.st_mtime, status.st_ctime) < since - _COARSEST:
            raise UnsupportedPicture(
                f"{self.path} was there before the generator ran; return the path of a new file, "
                "or the picture itself"
            )
        try:
            self.data = read_bytes(self.path)
        except InputError:
            self.path.unlink(missing_ok=True)
            raise

    def finished(self, asset: Asset) -> Any:
        """Put the asset in place of the file; the path, with another suffix for another format.

        Raises:
            OutputError: it cannot be written, or a file of the new name exists.
        """
        target = self.path
        if target.suffix and asset.media_type != f"image/{sniff(self.data).lower()}":
            target = target.with_suffix("." + asset.media_type.removeprefix("image/"))
        write_atomically(target, asset.data, overwrite=target == self.path)
        if target == self.path:
            return self._given
        self.discard()
        named = Path(self._given).with_suffix(target.suffix)  # beside a link there is no such file
        return type(self._given)(named if named.exists() else target)  # type: ignore[call-arg]

    def discard(self) -> None:
        """Delete the file, unless another one has taken its place.

        Raises:
            OutputError: it cannot be deleted.
        """
        try:
            if self.path.read_bytes() == self.data:
                self.path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(
                f"the unmarked file {self.path} could not be deleted ({error}); delete it"
            ) from error


def left(value: Any, since: float) -> LeftFile | None:
    """The picture file behind a path; None if a text is no path of a file.

    Raises:
        InputError: a `Path` that leads to no picture; or a file that cannot be used.
    """
    path = isinstance(value, os.PathLike)
    if not path and (len(value) > _LONGEST or "\n" in value):
        return None
    try:
        head = b""
        if Path(value).is_file():  # opening a pipe would wait for ever
            with Path(value).open("rb") as file:
                head = file.read(1_024)
    except (OSError, ValueError) as error:
        if path:
            raise InputError(f"{value}: the file cannot be read ({error})") from error
        return None
    if is_picture(head):
        return LeftFile(value, since)
    if path or kind(head):
        raise UnsupportedPicture(
            f"{value} is {'no file' if not head else 'no picture'}; expected the path of a picture"
        )
    return None


def discard(files: Iterable[LeftFile]) -> None:
    """Delete all that are unmarked, also if one of them cannot be."""
    with contextlib.ExitStack() as stack:
        for file in files:
            stack.callback(file.discard)
