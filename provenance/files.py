"""Files, written whole or not at all.

The bytes go to a hidden file in the same folder, reach the disk, and only then take the name.
Whatever fails, the old file stays as it was and the hidden one is removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from provenance.errors import OutputError

_DEFAULT_MODE = 0o644

_REASONS = {
    errno.ENOENT: "its folder does not exist; create the folder first",
    errno.ENOTDIR: "a part of the path is not a folder; check the path",
    errno.EACCES: "the folder may not be written; check its permissions",
    errno.EPERM: "the folder may not be written; check its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file is larger than this system allows; raise the limit on file size",
    errno.EISDIR: "it is a folder; name a file",
    errno.ENAMETOOLONG: "the name is too long for this file system; shorten it",
    errno.ELOOP: "the path holds a symbolic link that leads to itself; check the path",
}

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


def write_atomically(
    path: str | os.PathLike[str],
    data: bytes,
    *,
    overwrite: bool = False,
    mode: int | None = None,
) -> Path:
    """Write `data` to `path`, whole or not at all.

    A symbolic link at `path` is never followed: it counts as existing even when it leads nowhere,
    and with `overwrite` the link itself is replaced while the file it led to stays as it was.

    Args:
        path: its folder must exist.
        data: all of the file.
        overwrite: replace what is there; otherwise an existing file is kept even if it appears
            in the last moment.
        mode: permissions, set before the first byte is written. None keeps those of the file
            that is replaced, and is 0644 less the umask for a new one.

    Returns:
        `path`.

    Raises:
        OutputError: the file exists, or cannot be written; nothing half-written is left.
    """
    target = Path(path)
    try:
        return _write(target, data, overwrite=overwrite, mode=mode)
    except FileExistsError as error:
        raise OutputError(
            f"cannot write {target}: it exists already; choose another name or allow overwriting"
        ) from error
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0, str(error))
        raise OutputError(f"cannot write {_shown(target)}: {reason}") from error


def make_private_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder that only its owner may enter (0700), or make an existing one so.

    Missing parents are made with the usual permissions.

    Raises:
        OutputError: something else is there, the folder is another user's, or it cannot be made.
    """
    folder = Path(path)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise OutputError(
                f"cannot make the folder {folder}: a file or link of that name is there; "
                "choose another name"
            )
        folder.chmod(0o700)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0, str(error))
        raise OutputError(f"cannot make the folder {_shown(folder)}: {reason}") from error
    return folder


def _write(target: Path, data: bytes, *, overwrite: bool, mode: int | None) -> Path:
    present = _status(target)
    if present is not None:
        if stat.S_ISDIR(present.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if mode is None and stat.S_ISREG(present.st_mode):
            mode = stat.S_IMODE(present.st_mode) & 0o777
    hidden = target.parent / f".provenance-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(hidden, flags, _DEFAULT_MODE if mode is None else mode & 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):  # Windows has no such permissions
                os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if overwrite:
            hidden.replace(target)
        else:
            _rename_if_absent(hidden, target)
    finally:
        hidden.unlink(missing_ok=True)
    _sync_folder(target.parent)
    return target


def _rename_if_absent(hidden: Path, target: Path) -> None:
    """Give `hidden` the name `target`, or raise FileExistsError; there is no moment between."""
    try:
        os.link(hidden, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        _reserve_and_replace(hidden, target)


def _reserve_and_replace(hidden: Path, target: Path) -> None:
    """For file systems without hard links: take the name with an empty file, then replace it."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        hidden.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where folders can be synced at all."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _shown(path: Path) -> str:
    return str(path).replace("\0", "\\0")
