"""Folders are walked in the order of names, in bounded memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.audit.sources import walk

NAMES = st.sets(
    st.binary(min_size=1, max_size=12).filter(lambda b: not set(b) & {0, 47}), max_size=40
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(names=NAMES, run=st.integers(1, 9))
def test_names_in_any_encoding_come_sorted_whatever_fits_in_memory(
    tmp_path_factory: pytest.TempPathFactory, names: set[bytes], run: int
) -> None:
    folder = tmp_path_factory.mktemp("names")
    made = {os.fsdecode(name) for name in names if name not in (b".", b"..")}
    for n, name in enumerate(sorted(made)):
        path = str(folder / name)
        if n % 5 == 4:
            Path(path).mkdir()
            Path(path, "below").write_bytes(b"x")
        else:
            Path(path).write_bytes(b"x" * n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "RUN", run)
        found = list(walk.files(str(folder)))
    assert found == list(walk.files(str(folder)))
    tops = [name.partition("/")[0] for name, _ in found]
    assert tops == sorted(made)


def test_links_that_loop_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    (tmp_path / "file").symlink_to(tmp_path / "a.png")
    assert list(walk.files(str(tmp_path))) == [
        ("a.png", 1),
        ("file", 1),
        ("itself", 0),
        ("nowhere", 0),
    ]


def test_a_folder_with_an_audit_is_passed_over(tmp_path: Path) -> None:
    for name in ("a/x.png", f"b/{walk.AUDIT}", "b/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(walk.files(str(tmp_path))) == [("a/x.png", 0)]
