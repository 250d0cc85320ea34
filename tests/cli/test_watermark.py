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


def test_bench_counts_survivors_and_writes_nothing(cli, photo, tmp_path):
    before = photo.read_bytes()
    result = cli("watermark", "bench", photo, "--attacks", "none,flip,jpeg-75")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("pictures: 1  PSNR ")
    assert [line.split()[:2] for line in lines[3:]] == [
        ["none", "1/1"],
        ["flip", "1/1"],
        ["jpeg-75", "1/1"],
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.png"]
    assert photo.read_bytes() == before


def test_bench_for_programs(cli, photo, tmp_path):
    folder = tmp_path / "set" / "below"
    folder.mkdir(parents=True)
    photo.rename(folder / "a.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "bad.png").write_text("hello")
    result = cli("watermark", "bench", tmp_path / "set", "--attacks", "jpeg-75", "--json")
    assert result.code == 2
    made, bad, whole = result.lines
    assert made["name"].endswith("a.png")
    assert made["edits"]["jpeg-75"]["recovered"]
    assert bad["error"]["kind"] == "UnreadablePicture"
    assert whole["summary"]["pictures"] == 1
    assert whole["summary"]["edits"]["jpeg-75"]["recovered"] == 1


def test_bench_without_a_single_picture(cli, photo, tmp_path):
    (tmp_path / "empty").mkdir()
    assert cli("watermark", "bench", tmp_path / "empty").is_one_sentence()
    assert cli("watermark", "bench", tmp_path / "missing.png").code == 2


def test_bench_of_unknown_edits(cli, photo):
    result = cli("watermark", "bench", photo, "--attacks", "jpeg,nonsense")
    assert result.code == 2
    assert result.is_one_sentence()
    assert "'nonsense'" in result.err
