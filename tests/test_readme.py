"""The README tells the truth: its commands print what it says, and its Python runs."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def refresh():
    path = ROOT / "docs" / "refresh_readme.py"
    spec = importlib.util.spec_from_file_location("refresh_readme", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_commands_print_what_the_readme_shows(refresh):
    text = README.read_text(encoding="utf-8")
    assert refresh.normalised(refresh.refreshed(text)) == refresh.normalised(text)


def test_python_example_runs(config, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copy(ROOT / "examples" / "pictures" / "coffee.png", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    exec(compile(example, "README.md", "exec"), {})
    assert "verified Generated with AI: signed by" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    + [str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").glob("*.md"))],
)
def test_links_between_documents_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / name).parent / link).exists(), link
