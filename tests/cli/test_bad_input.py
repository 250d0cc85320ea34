"""Every kind of bad input: one clear sentence, exit code 2, nothing half-written."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from provenance import Config, home
from provenance.sign.development import create


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def refused(result, target: Path, *words: str) -> None:
    assert result.code == 2
    assert result.is_one_sentence(), result.err
    assert "error: " in result.err
    for word in words:
        assert word in result.err
    assert not target.exists()
    assert list(target.parent.glob(".*")) == []  # no temporary file left behind


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "out.png"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.png", b"", "empty"),
        ("text.png", b"this is not a picture at all\n", "no picture that we know"),
        ("bomb.png", png_header(50_000, 50_000), "50,000"),
        ("tiny.png", png_header(1, 1), ""),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_bytes_that_are_no_usable_picture(cli, tmp_path, target, name, content, words):
    (tmp_path / name).write_bytes(content)
    refused(cli("protect", tmp_path / name, "-o", target), target, words)


def test_one_pixel(cli, tmp_path, target):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    refused(cli("protect", tmp_path / "dot.png", "-o", target), target, "small")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated(cli, tmp_path, target, scene, form, kept):
    path = tmp_path / f"cut.{form.lower()}"
    Image.fromarray(scene).save(path, form)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    refused(cli("protect", path, "-o", target), target)
    result = cli("verify", path)
    assert result.code == 2
    assert result.is_one_sentence()


def test_animated(cli, tmp_path, target, scene):
    frames = [Image.fromarray(scene), Image.fromarray(255 - scene)]
    frames[0].save(tmp_path / "anim.webp", save_all=True, append_images=frames[1:])
    refused(cli("protect", tmp_path / "anim.webp", "-o", target), target, "2 frames")


def test_missing_file(cli, tmp_path, target):
    refused(cli("protect", tmp_path / "none.png", "-o", target), target, "none.png")


def test_folder_without_pictures(cli, tmp_path, target):
    (tmp_path / "hollow").mkdir()
    refused(cli("protect", tmp_path / "hollow", "-o", target), target, "holds no picture")


def test_verify_of_a_folder(cli, tmp_path):
    result = cli("verify", tmp_path)
    assert result.code == 2
    assert result.is_one_sentence()


def test_no_permission_to_read(cli, photo, target, unprivileged_tree):
    own = home.create(photo.parent / "home").config
    photo.chmod(0)
    with unprivileged_tree(photo.parent):
        result = cli("protect", photo, "-o", target, "--config", own)
    refused(result, target, "photo.png", "ermission")


def test_output_folder_is_read_only(cli, photo, tmp_path):
    """Root ignores permissions, and not a read-only file system."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    mounted = os.geteuid() == 0
    if mounted and os.system(f"mount -t tmpfs -o ro tmpfs {folder} 2>/dev/null"):
        pytest.skip("needs the right to mount a small file system")
    try:
        result = cli("protect", photo, "-o", folder / "out.png")
        refused(result, folder / "out.png", "locked")
    finally:
        if mounted:
            os.system(f"umount {folder}")


def test_output_is_the_input(cli, photo):
    before = photo.read_bytes()
    result = cli("protect", photo, "-o", photo, "--overwrite")
    assert result.code == 2
    assert "both input and output" in result.err
    assert photo.read_bytes() == before


def test_output_is_the_input_through_a_link(cli, photo, tmp_path):
    before = photo.read_bytes()
    (tmp_path / "link.png").symlink_to(photo)
    assert cli("protect", photo, "-o", tmp_path / "link.png", "--overwrite").code == 2
    assert photo.read_bytes() == before


def test_output_with_an_unknown_suffix(cli, photo, target):
    bad = target.with_suffix(".xyz")
    refused(cli("protect", photo, "-o", bad), bad, ".xyz")


def test_gif_output(cli, photo, target):
    bad = target.with_suffix(".gif")
    refused(cli("protect", photo, "-o", bad), bad, ".gif")


def test_transparency_into_jpeg(cli, tmp_path, target, scene):
    picture = Image.fromarray(scene).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "clear.png")
    bad = target.with_suffix(".jpg")
    refused(cli("protect", tmp_path / "clear.png", "-o", bad), bad, "transparency")


def test_disk_full(cli, photo, tmp_path):
    """A file system of 64 kB takes no 400 kB picture; root may mount one, others skip."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=64k tmpfs {disk} 2>/dev/null"):
        pytest.skip("needs the right to mount a small file system")
    try:
        result = cli("protect", photo, "-o", disk / "out.png")
        assert result.code == 2
        assert result.is_one_sentence()
        assert list(disk.iterdir()) == []
    finally:
        os.system(f"umount {disk}")


def test_no_configuration(cli, photo, target, monkeypatch, tmp_path):
    monkeypatch.delenv("PROVENANCE_CONFIG")
    refused(cli("protect", photo, "-o", target), target, "run provenance init")


def test_configuration_is_not_taken_from_the_current_folder(
    cli, photo, target, monkeypatch, config: Config
):
    """A downloaded folder must not bring its own trust anchors."""
    # Not the registry: to close a copy of an open SQLite file drops the locks of this process.
    shutil.copytree(
        config.path.parent,
        photo.parent,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("registry.db*", "issued.jsonl*"),
    )
    monkeypatch.delenv("PROVENANCE_CONFIG")
    monkeypatch.chdir(photo.parent)
    refused(cli("protect", photo, "-o", target), target, "no configuration")


class TestKeys:
    """Each fault in the keys stops `protect` before anything is written."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Path:
        return home.create(tmp_path / "home").config

    @pytest.mark.parametrize("name", ["signing.key", "signing.pem", "trust.pem", "watermark.key"])
    def test_missing(self, cli, photo, target, own, name):
        (own.parent / "keys" / name).unlink()
        refused(cli("protect", photo, "-o", target, "--config", own), target, name)

    @pytest.mark.parametrize("name", ["signing.key", "signing.pem", "trust.pem", "watermark.key"])
    @pytest.mark.parametrize("content", [b"", b"rubbish\n", bytes(range(256))])
    def test_damaged(self, cli, photo, target, own, name, content):
        (own.parent / "keys" / name).write_bytes(content)
        refused(cli("protect", photo, "-o", target, "--config", own), target)

    def test_secret_is_not_in_the_message(self, cli, photo, target, own):
        path = own.parent / "keys" / "watermark.key"
        secret = path.read_text().strip()
        path.write_text(secret + "zz")
        result = cli("protect", photo, "-o", target, "--config", own)
        refused(result, target, "damaged")
        assert secret[:8] not in result.err

    def test_expired_certificate(self, cli, photo, target, own):
        chain = create("Old", start=datetime.now(UTC) - timedelta(days=30), days=10)
        keys = own.parent / "keys"
        (keys / "signing.pem").write_bytes(chain.certificates)
        (keys / "signing.key").write_bytes(chain.key)
        (keys / "trust.pem").write_bytes(chain.anchors)
        refused(cli("protect", photo, "-o", target, "--config", own), target, "valid from")

    def test_signer_that_is_not_trusted_here(self, cli, photo, target, own):
        chain = create("Stranger")
        keys = own.parent / "keys"
        (keys / "signing.pem").write_bytes(chain.certificates)
        (keys / "signing.key").write_bytes(chain.key)
        refused(cli("protect", photo, "-o", target, "--config", own), target, "[trust] anchors")

    def test_passphrase(self, cli, photo, target, tmp_path, monkeypatch):
        monkeypatch.setenv("PHRASE", "correct horse")
        made = cli("init", "--dir", tmp_path / "locked", "--passphrase-env", "PHRASE")
        assert made.code == 0
        own = tmp_path / "locked" / "provenance.toml"
        assert b"ENCRYPTED" in (own.parent / "keys" / "signing.key").read_bytes()
        monkeypatch.setenv("PHRASE", "wrong horse")
        wrong = cli("protect", photo, "-o", target, "--config", own)
        refused(wrong, target, "passphrase is wrong")
        assert "horse" not in wrong.err
        monkeypatch.delenv("PHRASE")
        refused(cli("protect", photo, "-o", target, "--config", own), target, "no passphrase")
        monkeypatch.setenv("PHRASE", "correct horse")
        assert cli("protect", photo, "-o", target, "--config", own).code == 0


def test_misspelt_setting(cli, photo, target, config: Config):
    bad = config.path.with_name("misspelt.toml")
    bad.write_text(config.path.read_text().replace("too_small", "to_small"))
    refused(cli("protect", photo, "-o", target, "--config", bad), target, "did you mean")


@pytest.mark.parametrize(
    "arguments", [["protect"], ["protect", "x.png"], ["verify"], ["nonsense"], ["verify", "--what"]]
)
def test_usage_errors_exit_with_two(cli, arguments):
    result = cli(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_terminal_escapes_in_a_name_are_not_printed(cli, tmp_path):
    name = tmp_path / "a\x1b[31mb.png"
    result = cli("verify", name)
    assert result.code == 2
    assert "\x1b" not in result.err
