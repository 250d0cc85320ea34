"""A file is written whole or not at all; what stood there before is safe."""

import errno
import os
import resource
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from provenance.errors import OutputError
from provenance.files import make_private_folder, write_atomically

NOBODY = 65534


@contextmanager
def unprivileged():
    """Root may write everywhere, so tests of permissions act as nobody."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def mounted(folder, options):
    """A small file system of its own, where this machine allows it."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True, check=False,
    ) if os.geteuid() == 0 else None  # fmt: skip
    if done is None or done.returncode:
        pytest.skip("no file systems may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_file(tmp_path, usual_umask):
    path = tmp_path / "a.png"
    assert write_atomically(path, b"abc") == path
    assert path.read_bytes() == b"abc"
    assert mode_of(path) == 0o644
    assert names(tmp_path) == ["a.png"]


def test_a_name_as_text_and_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("a.png", b"")
    assert (tmp_path / "a.png").read_bytes() == b""


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_atomically(path, b"new")
    assert str(caught.value) == (
        f"cannot write {path}: it exists already; choose another name or allow overwriting"
    )
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_an_existing_file_is_replaced_on_request(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new", overwrite=True)
        assert reader.read() == b"old"  # whoever reads, reads one or the other, never a mixture
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_permissions(tmp_path, usual_umask):
    os.umask(0o077)
    assert mode_of(write_atomically(tmp_path / "a", b"")) == 0o600
    assert mode_of(write_atomically(tmp_path / "b", b"", mode=0o640)) == 0o640
    os.umask(0)
    assert mode_of(write_atomically(tmp_path / "c", b"")) == 0o644
    assert mode_of(write_atomically(tmp_path / "d", b"", mode=0o600)) == 0o600


def test_permissions_of_a_replaced_file_are_kept(tmp_path):
    path = write_atomically(tmp_path / "key", b"old", mode=0o600)
    write_atomically(path, b"new", overwrite=True)
    assert mode_of(path) == 0o600
    write_atomically(path, b"new", overwrite=True, mode=0o644)
    assert mode_of(path) == 0o644


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_never_followed(tmp_path, dangling):
    target, link = tmp_path / "target", tmp_path / "link"
    if not dangling:
        target.write_bytes(b"old")
    link.symlink_to(target)
    with pytest.raises(OutputError, match=r"it exists already"):
        write_atomically(link, b"new")
    assert target.exists() != dangling
    write_atomically(link, b"new", overwrite=True)
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert not dangling or not target.exists()
    assert dangling or target.read_bytes() == b"old"


def test_a_missing_folder(tmp_path):
    path = tmp_path / "none" / "a.png"
    with pytest.raises(OutputError) as caught:
        write_atomically(path, b"abc")
    assert str(caught.value) == (
        f"cannot write {path}: its folder does not exist; create the folder first"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_that_name(tmp_path, overwrite):
    with pytest.raises(OutputError, match=r"it is a folder; name a file"):
        write_atomically(tmp_path, b"abc", overwrite=overwrite)
    assert names(tmp_path) == []


def test_a_file_as_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"a part of the path is not a folder"):
        write_atomically(tmp_path / "file" / "a.png", b"abc")


def test_names_that_no_file_can_have(tmp_path):
    with pytest.raises(OutputError, match=r"the name is too long"):
        write_atomically(tmp_path / ("a" * 300), b"abc")
    with pytest.raises(OutputError, match=r"a\\0b"):
        write_atomically(tmp_path / "a\0b", b"abc")
    assert names(tmp_path) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_may_not_be_written(tmp_path, overwrite):
    tmp_path.chmod(0o555)
    with unprivileged(), pytest.raises(OutputError, match=r"the folder may not be written; check"):
        write_atomically(tmp_path / "a.png", b"abc", overwrite=overwrite)
    assert names(tmp_path) == []


def test_a_read_only_file_system(tmp_path):
    refused = pytest.raises(OutputError, match=r"the file system is read-only; choose another")
    with mounted(tmp_path, "ro,size=64k"), refused:
        write_atomically(tmp_path / "a.png", b"abc")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk(tmp_path, overwrite):
    with mounted(tmp_path, "size=64k"):
        old = write_atomically(tmp_path / "old.png", b"old")
        name = "old.png" if overwrite else "new.png"
        with pytest.raises(OutputError) as caught:
            write_atomically(tmp_path / name, bytes(200_000), overwrite=overwrite)
        assert str(caught.value) == (
            f"cannot write {tmp_path / name}: the disk is full; free some space"
        )
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert names(tmp_path) == ["old.png"]
        assert old.read_bytes() == b"old"
        write_atomically(tmp_path / "small.png", bytes(1_000))  # the space is free again


def test_a_limit_on_the_size_of_files(tmp_path):
    """The same way out where nothing can be mounted: the kernel refuses in mid-file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OutputError, match=r"the file is larger than this system allows"):
            write_atomically(tmp_path / "a.png", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_of_many_writers_one_wins(tmp_path):
    path = tmp_path / "a.png"

    def write(number):
        try:
            write_atomically(path, b"%d" % number * 10_000)
        except OutputError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(write, range(40)) if number is not None]
    assert len(winners) == 1
    assert path.read_bytes() == b"%d" % winners[0] * 10_000
    assert names(tmp_path) == ["a.png"]


def test_of_many_overwriters_each_is_whole(tmp_path):
    path = tmp_path / "a.png"

    def write(number):
        write_atomically(path, b"%d" % (number % 10) * 10_000, overwrite=True)
        return len(set(path.read_bytes()))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {1}
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_links(tmp_path, monkeypatch, number):
    """Such as FAT, which cannot be had here; so the call is replaced."""

    def refuse(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.png"
    write_atomically(path, b"abc")
    assert path.read_bytes() == b"abc"
    with pytest.raises(OutputError, match=r"it exists already"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"abc"
    assert names(tmp_path) == ["a.png"]


def test_a_name_taken_in_the_last_moment(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    link = os.link

    def late(*args, **kwargs):
        path.write_bytes(b"theirs")
        return link(*args, **kwargs)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(OutputError, match=r"it exists already"):
        write_atomically(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png"]


def test_links_that_fail_for_another_reason(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OutputError, match=r"Input/output error"):
        write_atomically(tmp_path / "a.png", b"abc")
    assert names(tmp_path) == []


# Folders


def test_a_private_folder(tmp_path, usual_umask):
    folder = tmp_path / "a" / "keys"
    assert make_private_folder(folder) == folder
    assert mode_of(folder) == 0o700
    assert mode_of(tmp_path / "a") == 0o755


def test_an_existing_folder_is_made_private(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    (folder / "key").touch()
    make_private_folder(folder)
    assert mode_of(folder) == 0o700
    assert names(folder) == ["key"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_of_that_name(tmp_path, kind):
    folder = tmp_path / "keys"
    if kind == "file":
        folder.touch()
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o755)
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=r"a file or link of that name is there"):
        make_private_folder(folder)
    assert kind == "file" or mode_of(tmp_path / "elsewhere") == 0o755


def test_a_private_folder_where_nothing_may_be_made(tmp_path):
    tmp_path.chmod(0o555)
    with unprivileged(), pytest.raises(OutputError, match=r"cannot make the folder .*permissions"):
        make_private_folder(tmp_path / "keys")


def test_a_private_folder_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot make the folder"):
        make_private_folder(tmp_path / "file" / "keys")
