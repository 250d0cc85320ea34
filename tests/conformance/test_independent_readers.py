"""Readers that share no code with c2pa-rs agree with us.

Each is installed by its own package manager into a folder of the test, and the test skips where
that cannot be done. c2pa-ts (TypeScript) reads PNG, JPEG and AVIF and does not judge trust;
encypher-c2pa (its own Rust) reads all our formats and does.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provenance import Config, Picture, Pipeline, Verifier
from provenance.errors import InputError
from provenance.sign.development import create
from provenance.sign.file import sign_file
from provenance.sign.interface import Generator, Statement
from provenance.sign.local import LocalSigner
from tests.sign.media import MADE

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


STRUCTURE = {"mp4", "mov", "wav", "pdf"}
"""The made files of these kinds end in structure, and a change there breaks the whole file."""


@pytest.mark.parametrize("suffix", MADE)
def test_encypher_agrees_on_every_kind_of_file_and_every_state(
    encypher, config: Config, tmp_path, suffix
):
    """Trusted and changed by our own root, and untrusted by another."""
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    source.write_bytes(MADE[suffix]())
    sign_file(source, target, Statement(Generator("t")), config.signer(), config.anchors())
    assert encypher(target)["validation_state"] == "Trusted"
    stranger = create("Stranger")
    other = tmp_path / f"other.{suffix}"
    signer = LocalSigner(stranger.certificates, stranger.key)
    statement = Statement(Generator("t"))
    sign_file(source, other, statement, signer, config.anchors(), allow_untrusted=True)
    assert encypher(other)["validation_state"] == "Valid"
    ours = Verifier.standard(anchors=config.anchors())
    assert ours.verify(other).evidence[0].code == "credentials.untrusted-signer"
    if suffix in STRUCTURE:
        return
    data = bytearray(target.read_bytes())
    original = source.read_bytes()
    at = next(n for n in range(len(data)) if data[n : n + 8] == original[-16:-8])
    data[at] ^= 0x01
    changed = tmp_path / f"changed.{suffix}"
    changed.write_bytes(data)
    assert encypher(changed)["validation_state"] in {"Invalid", None}
    with contextlib.suppress(InputError):  # too broken to be read as what it was
        assert ours.verify(changed).verdict.outcome == "failed"
