"""What `provenance init` creates: private, complete, and never in place of something else."""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from provenance import home
from provenance.config import Config
from provenance.errors import OutputError
from provenance.sign.interface import Generator

NAMES = {"signing.pem", "signing.key", "trust.pem", "watermark.key"}


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_there_and_works(tmp_path):
    made = home.create(tmp_path / "new" / "folder", organization="Acme", name="studio")
    assert made.config == tmp_path / "new/folder/provenance.toml"
    assert {p.name for p in made.keys.iterdir()} == NAMES
    assert made.replaced == ()
    config = Config.load(made.config)
    assert config.generator == Generator("studio")
    assert "O=Acme" in config.signer().subject
    assert config.watermarker()
    assert len(config.anchors()) == 1


def test_a_file_name_may_be_given_instead_of_a_folder(tmp_path):
    made = home.create(tmp_path / "mine.toml")
    assert made.config == tmp_path / "mine.toml"
    assert made.keys == tmp_path / "keys"


@pytest.mark.usefixtures("open_umask")
def test_only_the_owner_may_read_even_with_an_open_umask(tmp_path):
    made = home.create(tmp_path / "home")
    assert mode(made.keys) == 0o700
    assert mode(made.config.parent) == 0o700
    assert {p.name: mode(p) for p in made.keys.iterdir()} == dict.fromkeys(NAMES, 0o600)
    assert mode(made.config) == 0o600


def test_a_folder_of_keys_that_others_may_enter_is_closed(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)
    home.create(tmp_path)
    assert mode(tmp_path / "keys") == 0o700


def test_every_home_has_keys_of_its_own(tmp_path):
    one, two = home.create(tmp_path / "one"), home.create(tmp_path / "two")
    for name in NAMES:
        assert (one.keys / name).read_bytes() != (two.keys / name).read_bytes()


def test_the_watermark_key_is_256_random_bits(tmp_path):
    text = (home.create(tmp_path).keys / "watermark.key").read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", text)
    assert len(set(text)) > 8


def test_a_passphrase_locks_the_signing_key(tmp_path, monkeypatch):
    made = home.create(tmp_path, passphrase=b"correct horse", passphrase_env="PHRASE")
    assert b"ENCRYPTED" in (made.keys / "signing.key").read_bytes()
    monkeypatch.setenv("PHRASE", "correct horse")
    assert Config.load(made.config).signer()


def test_nothing_secret_is_shown(tmp_path):
    made = home.create(tmp_path, passphrase=b"correct horse")
    assert "horse" not in repr(made)
    key = (made.keys / "watermark.key").read_text().strip()
    assert key not in repr(made) + made.config.read_text()


@pytest.mark.parametrize("name", [*sorted(NAMES), "provenance.toml"])
def test_a_single_file_of_an_earlier_home_is_not_overwritten(tmp_path, name):
    path = tmp_path / name if name.endswith("toml") else tmp_path / "keys" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(OutputError, match=f"{name} is there already; use --force"):
        home.create(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_something_too(tmp_path):
    (tmp_path / "provenance.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is there already"):
        home.create(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_force_renames_what_was_there(tmp_path):
    first = home.create(tmp_path)
    before = {p.name: p.read_bytes() for p in (first.config, *first.keys.iterdir())}
    second = home.create(tmp_path, force=True)
    kept = {p.name.split(".replaced-")[0]: p.read_bytes() for p in second.replaced}
    assert kept == before
    assert (second.keys / "watermark.key").read_bytes() != before["watermark.key"]
    assert Config.load(second.config).signer()


def test_nothing_is_lost_by_forcing_many_times_in_a_second(tmp_path):
    keys = set()
    for _ in range(4):
        keys.add((home.create(tmp_path, force=True).keys / "watermark.key").read_text())
    found = {p.read_text() for p in (tmp_path / "keys").glob("watermark.key*")}
    assert found == keys
    assert len(found) == 4


def test_force_without_an_earlier_home_is_no_matter(tmp_path):
    assert home.create(tmp_path, force=True).replaced == ()


@pytest.mark.parametrize("organization", ["", "x" * 65])
def test_an_organization_that_cannot_be_certified_leaves_nothing_behind(tmp_path, organization):
    with pytest.raises(OutputError, match=r"no certificate was made: .* expected 1 to 64"):
        home.create(tmp_path / "home", organization=organization)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may write anywhere"
)
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match=r"cannot be created|cannot make"):
        home.create(tmp_path / "home")
    tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(OutputError, match="cannot be created"):
        home.create(tmp_path / "home")
    (tmp_path / "keys").write_text("another")
    with pytest.raises(OutputError, match="a file or link of that name is there"):
        home.create(tmp_path)
    assert not (tmp_path / "provenance.toml").exists()


def test_if_one_file_cannot_be_moved_aside_all_is_as_before(tmp_path):
    # With a time behind it, this name is longer than file systems allow.
    path = tmp_path / ("x" * 250 + ".toml")
    home.create(path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(OutputError, match="cannot be renamed"):
        home.create(path, force=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_if_one_file_cannot_be_written_all_is_as_before(tmp_path):
    first = home.create(tmp_path / "home")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    # The configuration is written last, and this name is longer than file systems allow.
    with pytest.raises(OutputError, match="the name is too long"):
        home.create(tmp_path / "home" / ("x" * 251 + ".toml"), force=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert Config.load(first.config).signer()


@pytest.mark.parametrize(
    "name", ['a "quoted" name', "back\\slash", "new\nline", "日本 🏔", "\x7f\x01", "{0}", "#"]
)
def test_any_name_is_written_as_toml(tmp_path, name):
    made = home.create(tmp_path, name=name, passphrase_env='A"B')
    config = Config.load(made.config)
    assert config.generator.name == name
    assert config.passphrase_env == 'A"B'


# The template


def test_every_setting_is_shown_with_its_default(tmp_path):
    made = home.create(tmp_path, name="unnamed-generator")
    shown = Config.load(made.config)
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    real = Config.load(empty)
    differing = {f.name for f in fields(Config) if getattr(shown, f.name) != getattr(real, f.name)}
    # Nobody is trusted by default; a new home trusts its own root. `signing` and
    # `service_section` are sections as they stand.
    assert differing == {"path", "trust", "signing", "service_section"}
    assert shown.service() == real.service()
    assert shown.trust == (tmp_path / "keys/trust.pem",)


def test_no_setting_is_left_out(tmp_path):
    from provenance.config import _KNOWN

    text = home.create(tmp_path).config.read_text()
    lines = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    data = tomllib.loads(lines)
    assert {s: set(values) for s, values in data.items()} == {
        section: set(keys) for section, keys in _KNOWN.items()
    }
