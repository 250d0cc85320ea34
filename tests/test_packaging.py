"""The project installs from a wheel and an sdist, and claims no generic import name."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: object, **options: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The wheel and the sdist, built from a copy of what git would clone."""
    source = tmp_path_factory.mktemp("source")
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listing.returncode:
        pytest.skip("needs a git checkout")
    for name in listing.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("dist")
    build = (
        "import sys; from setuptools import build_meta as b; out = sys.argv[1]; "
        "b.build_sdist(out); b.build_wheel(out)"  # setuptools replaces sys.argv
    )
    run("-W", "ignore", "-c", build, out, cwd=source)
    return out


def test_wheel_claims_only_our_names(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        names = set(archive.namelist())
    version = wheel.name.split("-")[1]
    assert tops == {
        "provenance",
        "provenance_cli",
        "provenance_models",
        f"provenance_kit-{version}.dist-info",
    }
    assert "provenance/py.typed" in names
    for name in (
        "provenance_models/nudity/metrics.json",
        "provenance_models/prompts/metrics.json",
        "provenance/weights/catalogue.toml",
        "provenance/moderate/taxonomy.toml",
        "provenance/moderate/policies/standard.toml",
        "provenance/moderate/prompt/terms/en.toml",
        "provenance/report/style.css",
        "provenance_models/pixels/head.npz",
    ):
        assert name in names


def test_every_module_of_the_tree_is_in_the_wheel(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    wanted = {str(p.relative_to(ROOT)) for p in (ROOT / "provenance").rglob("*.py")}
    wanted |= {f"provenance_cli/{p.name}" for p in (ROOT / "cli").glob("*.py")}
    assert wanted - shipped == set()


def test_sdist_holds_licence_and_sources(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "cli/main.py", "models/__init__.py"} <= names


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_installed_package_protects_and_verifies(built, kind, tmp_path, photo_bytes):
    """From a folder of its own, with the checkout out of reach."""
    (archive,) = built.glob(kind)
    target = tmp_path / "site"
    flags = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--target", target]
    run("-m", "pip", "install", *flags, archive, cwd=tmp_path)
    (tmp_path / "in.png").write_bytes(photo_bytes)
    environment = {**os.environ, "PYTHONPATH": str(target), "HOME": str(tmp_path)}
    environment.pop("PROVENANCE_CONFIG", None)
    call = (
        "import sys, provenance, provenance_cli.main as m; "
        f"assert provenance.__file__.startswith({str(target)!r}), provenance.__file__; "
        f"assert m.__file__.startswith({str(target)!r}), m.__file__; "
        "assert m.main(['init']) == 0; "
        "assert m.main(['protect', 'in.png', '-o', 'out.png']) == 0; "
        "sys.exit(m.verify_main(['out.png']))"
    )
    assert "VERIFIED" in run("-c", call, cwd=tmp_path, env=environment)


@pytest.fixture
def photo_bytes() -> bytes:
    return (ROOT / "examples" / "pictures" / "coffee.png").read_bytes()


def test_console_scripts_are_installed():
    """`make test` installs in editable mode, which this interpreter's folder shows."""
    scripts = Path(sys.executable).parent
    for name in ("provenance", "verify"):
        script = scripts / name
        if not script.exists():
            pytest.skip("the project is not installed in this environment")
        shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
        assert "Usage:" in shown.stdout
