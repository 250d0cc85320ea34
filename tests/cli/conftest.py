"""The command line is called through `main([...])`, as the console scripts do."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from provenance import Config
from provenance_cli.main import main, verify_main


@dataclass(frozen=True)
class Result:
    """What one call returned and printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.out.splitlines()]

    def is_one_sentence(self) -> bool:
        """A single line of plain words on stderr: no traceback, no second error."""
        return self.err.count("\n") == 1 and "Traceback" not in self.err


@pytest.fixture
def cli(
    capsysbinary: pytest.CaptureFixture[bytes],
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Result]:
    """Call `provenance` (or `verify`) with the test configuration, from an empty folder."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def call(*arguments: str | Path, script: Callable[..., int] = main) -> Result:
        code = script([str(a) for a in arguments])
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8"))

    call.verify = lambda *a: call(*a, script=verify_main)  # type: ignore[attr-defined]
    return call


@pytest.fixture
def photo(tmp_path: Path, scene: Any) -> Path:
    """An unprotected PNG."""
    path = tmp_path / "photo.png"
    Image.fromarray(scene).save(path)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def unprivileged_tree() -> Callable[[Path], Any]:
    """A context in which root is nobody and owns the given folder, so that permissions count."""
    from contextlib import contextmanager

    @contextmanager
    def lowered(folder: Path) -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        above = [p for p in folder.parents if p.stat().st_mode & 0o005 != 0o005]
        modes = {p: mode_of(p) for p in above}
        for path in above:
            path.chmod(0o755)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
            for path, mode in modes.items():
                path.chmod(mode)

    return lowered
