"""Readers that share no code with c2pa-rs agree with us.

Each is installed by its own package manager into a folder of the test, and the test skips where
that cannot be done. c2pa-ts (TypeScript) reads PNG, JPEG and AVIF and does not judge trust;
encypher-c2pa (its own Rust) reads all our formats and does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provenance import Config, Picture, Pipeline

pytestmark = pytest.mark.online

ENCYPHER, C2PA_TS = "encypher-c2pa==1.7.1", "@trustnxt/c2pa-ts@0.9.4"

ASK_ENCYPHER = """
import json, sys, encypher_c2pa
anchors = open(sys.argv[2]).read()
report = encypher_c2pa.verify(
    sys.argv[1], trust_pem=anchors, no_default_trust=True, telemetry=False, online=False
)
print(json.dumps(report, default=str))
"""


def installed(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=180, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"cannot install: {error}")
    if done.returncode:
        pytest.skip(f"cannot install: {done.stderr.decode(errors='replace')[-300:]}")


@pytest.fixture(scope="module")
def encypher(tmp_path_factory, config: Config):
    """Asks encypher-c2pa, trusting our development root alone."""
    folder = tmp_path_factory.mktemp("encypher")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    installed([*pip, "--target", str(folder / "site"), ENCYPHER], folder)

    def ask(path: Path) -> dict[str, Any]:
        environment = {**os.environ, "PYTHONPATH": str(folder / "site"), "HOME": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", ASK_ENCYPHER, str(path), str(config.trust[0])],
            capture_output=True,
            env=environment,
            check=True,
        )
        return json.loads(done.stdout)

    return ask


@pytest.fixture(scope="module")
def c2pa_ts(tmp_path_factory):
    """Asks c2pa-ts under node."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("c2pa-ts")
    (folder / "package.json").write_text("{}")
    installed(["npm", "install", "--ignore-scripts", "--no-audit", C2PA_TS], folder)
    shutil.copy(Path(__file__).with_name("read.mjs"), folder)

    def ask(path: Path) -> dict[str, Any]:
        done = subprocess.run(
            ["node", "read.mjs", str(path)], cwd=folder, capture_output=True, check=True
        )
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def protected(pipeline: Pipeline, scene, tmp_path):
    """Writes a protected picture with the given suffix."""

    def make(suffix: str) -> tuple[Path, str]:
        asset = pipeline(Picture.from_array(scene), encoding=suffix)
        return asset.save(tmp_path / f"protected{suffix}"), asset.manifest_id

    return make


def tampered(path: Path) -> Path:
    """A copy with one byte of the picture's data changed."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x01
    other = path.with_stem("tampered")
    other.write_bytes(data)
    return other


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tiff"])
def test_encypher_trusts_what_we_sign(encypher, protected, suffix):
    path, manifest_id = protected(suffix)
    report = encypher(path)
    assert report["validation_state"] == "Trusted", report
    assert report["manifest_report"]["active_manifest"] == manifest_id


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_encypher_refuses_what_was_changed(encypher, protected, suffix):
    assert encypher(tampered(protected(suffix)[0]))["validation_state"] == "Invalid"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".avif"])
def test_c2pa_ts_validates_what_we_sign(c2pa_ts, protected, suffix):
    path, manifest_id = protected(suffix)
    report = c2pa_ts(path)
    assert report["valid"] is True, report
    assert report["label"] == manifest_id


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_c2pa_ts_refuses_what_was_changed(c2pa_ts, protected, suffix):
    assert c2pa_ts(tampered(protected(suffix)[0]))["valid"] is False
