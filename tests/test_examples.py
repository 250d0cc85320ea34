"""The examples run, as a user would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_demo_shows_every_outcome(tmp_path):
    out = run("demo.py", "demo-out", cwd=tmp_path)
    assert re.findall(r"\(exit code (\d)\)", out) == ["0", "0", "0", "0", "1", "3", "0"]
    assert re.findall(r"^  ([A-Z]{6,})  ", out, re.MULTILINE) == [
        "VERIFIED",
        "VERIFIED",
        "FAILED",
        "UNKNOWN",
    ]


def test_wrapped_generator(tmp_path, config):
    out = run("wrap_a_generator.py", cwd=tmp_path, PROVENANCE_CONFIG=str(config.path))
    assert len(re.findall(r"watermark [0-9a-f]{16}  Generated with AI", out)) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["painting-0.webp", "painting-1.webp"]
