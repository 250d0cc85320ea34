"""The folder of finished pictures: bounded, private, and gone in time."""

import os
import re
import stat

import pytest

from provenance.errors import OutputError
from provenance.proxy.store import Results


def test_names_cannot_be_guessed_and_files_are_private(tmp_path):
    results = Results(tmp_path / "r")
    names = {results.put(b"x", "image/jpeg") for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"[\w-]{43}\.jpg", name) for name in names)
    found = results.get(names.pop())
    assert (found.media_type, found.path.read_bytes()) == ("image/jpeg", b"x")
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x.png", "a" * 43, "a" * 43 + ".exe", "a" * 42 + "/.png", "a\0.png"]
)
def test_other_names_are_nothing(tmp_path, name):
    (tmp_path / "x.png").write_bytes(b"secret")
    assert Results(tmp_path / "r").get(name) is None


def test_old_ones_go(tmp_path):
    results = Results(tmp_path / "r", seconds=60)
    old, new = results.put(b"old", "image/png"), results.put(b"new", "image/png")
    os.utime(tmp_path / "r" / old, (1, 1))
    assert results.get(old) is None
    assert results.get(new) is not None
    results.tidy()
    assert [path.name for path in (tmp_path / "r").iterdir()] == [new]


def test_a_restart_keeps_them(tmp_path):
    name = Results(tmp_path / "r").put(b"x", "image/webp")
    assert Results(tmp_path / "r").get(name).media_type == "image/webp"


def test_the_oldest_make_room(tmp_path):
    results = Results(tmp_path / "r", seconds=1e10, most=250)
    names = [results.put(bytes(100), "image/png") for _ in range(2)]
    os.utime(tmp_path / "r" / names[0], (1_000_000_000.0,) * 2)
    names.append(results.put(bytes(100), "image/png"))
    assert [results.get(name) is not None for name in names] == [False, True, True]


def test_a_folder_that_cannot_be_had(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Results(tmp_path / "file")
