"""Files planted in the folder that a user happens to stand in are never loaded.

`cd downloads && verify picture.png` must not run what was downloaded, nor trust it.
Source: facts found by running c2pa-python 0.38.1, whose loader looks in ., ./artifacts and ./libs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provenance.sign.development import create
from tests import signed

SOURCE = """
#include <stdio.h>
__attribute__((constructor)) static void planted(void) {
    FILE *file = fopen("MARKER", "w");
    if (file) fclose(file);
}
"""

VERIFY = """
import sys
from provenance import Verifier
report = Verifier.standard().verify("picture.png")
assert report.find("credentials")[0].code == "credentials.untrusted-signer", report
"""

IMPORT = "import c2pa"


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> bytes:
    """A library that leaves a mark where it is loaded."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.c").write_text(SOURCE)
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", "planted.so", "planted.c"], cwd=folder, check=True
    )
    return (folder / "planted.so").read_bytes()


def run(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python in `folder`, which is not on its path, as for an installed command."""
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


PLACES = [".", "libs", "artifacts", "src/c2pa/libs"]


@pytest.mark.parametrize("place", PLACES)
def test_a_library_planted_in_the_current_folder_is_not_loaded(tmp_path, planted, place):
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "libc2pa_c.so").write_bytes(planted)
    (tmp_path / "picture.png").write_bytes(signed.signed().data)
    result = run(VERIFY, tmp_path)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "MARKER").exists()


def test_the_attack_works_without_our_door(tmp_path, planted):
    """If c2pa mends its loader, this fails and tells us that the door may be simplified."""
    (tmp_path / "libc2pa_c.so").write_bytes(planted)
    run(IMPORT, tmp_path)
    assert (tmp_path / "MARKER").exists()


def test_garbage_planted_there_does_not_stop_us(tmp_path):
    (tmp_path / "libc2pa_c.so").write_bytes(b"garbage")
    (tmp_path / "picture.png").write_bytes(signed.signed().data)
    result = run(VERIFY, tmp_path)
    assert result.returncode == 0, result.stderr


LOAD = """
from provenance import Config
from provenance.config import default_path, find
from provenance.errors import ConfigError
assert find() == default_path()
try:
    config = Config.load()
except ConfigError:
    pass
else:
    raise AssertionError(config)
"""


@pytest.mark.parametrize("settings", ["empty", ".", "settings"])
def test_a_configuration_planted_in_the_current_folder_is_not_read(tmp_path, settings):
    (tmp_path / "trust.pem").write_bytes(create("Attacker").anchors)
    for place in (".", "provenance", ".config/provenance", "settings/provenance"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "provenance.toml").write_text('[trust]\nanchors = ["trust.pem"]')
    elsewhere = tmp_path.parent / "nobody"
    variables = {"HOME": str(elsewhere), "PROVENANCE_CONFIG": ""}
    # By convention a relative XDG_CONFIG_HOME does not count.
    variables["XDG_CONFIG_HOME"] = "" if settings == "empty" else settings
    result = run(LOAD, tmp_path, **variables)
    assert result.returncode == 0, result.stderr
