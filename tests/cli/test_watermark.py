"""`provenance watermark`: the mark alone."""

from __future__ import annotations

import pytest
from PIL import Image


def test_embed_then_read(cli, photo, tmp_path):
    payload = "0123456789abcdef"
    made = cli("watermark", "embed", photo, "-o", tmp_path / "m.png", "--payload", payload)
    assert made.code == 0
    assert made.out.endswith(f"payload {payload}\n")
    result = cli("watermark", "read", tmp_path / "m.png", "--json")
    assert result.code == 0
    assert result.lines[0]["payload"] == payload
    assert result.lines[0]["false_positive_rate"] < 1e-6


def test_long_payload(cli, photo, tmp_path):
    args = ("watermark", "embed", photo, "-o", tmp_path / "m.png", "--bits", "128", "--json")
    (record,) = cli(*args).lines
    assert len(record["payload"]) == 32
    assert cli("watermark", "read", tmp_path / "m.png").code == 0


def test_nothing_found_is_no_error(cli, photo):
    result = cli("watermark", "read", photo)
    assert result.code == 3
    assert "no mark of your keys was found" in result.out


def test_metadata_is_not_taken_along(cli, photo, tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "Jane Photographer"
    with Image.open(photo) as picture:
        picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    assert cli("watermark", "embed", tmp_path / "a.jpg", "-o", tmp_path / "b.jpg").code == 0
    assert b"Jane" not in (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("payload", ["xyz", "0123", "g" * 16, "0" * 17])
def test_bad_payloads(cli, photo, tmp_path, payload):
    result = cli("watermark", "embed", photo, "-o", tmp_path / "m.png", "--payload", payload)
    assert result.code == 2
    assert result.is_one_sentence()
    assert not (tmp_path / "m.png").exists()


def test_bad_files_do_not_stop_the_others(cli, photo, tmp_path):
    (tmp_path / "bad.png").write_text("hello")
    result = cli("watermark", "read", tmp_path / "bad.png", photo, "--json")
    assert result.code == 2
    assert [sorted(r) for r in result.lines] == [["error", "name"], ["name", "payload"]]


def test_output_is_not_the_input(cli, photo):
    assert cli("watermark", "embed", photo, "-o", photo, "--overwrite").code == 2
