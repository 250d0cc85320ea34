"""`provenance protect`: what it writes, what it prints, what it refuses."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from provenance import Config, Verifier

SUFFIXES = [".png", ".jpg", ".webp", ".avif", ".tiff"]


def test_one_file_is_protected_and_verifies(cli, photo, tmp_path):
    result = cli("protect", photo, "-o", tmp_path / "out.png")
    assert result.code == 0
    assert result.out.startswith(f"{photo} -> {tmp_path / 'out.png'}  512×512  watermark ")
    assert result.err == ""
    assert cli("verify", tmp_path / "out.png").code == 0


def test_json_holds_ids_timings_and_the_read_back_report(cli, photo, tmp_path):
    (record,) = cli("protect", photo, "-o", tmp_path / "o.jpg", "--json").lines
    assert record["input"] == str(photo)
    assert record["output"] == str(tmp_path / "o.jpg")
    assert record["media_type"] == "image/jpeg"
    assert record["manifest_id"].startswith("urn:c2pa:")
    assert len(record["watermark_id"]) == 16
    assert list(record["timings_ms"]) == [
        "generate",
        "decode",
        "moderate",
        "watermark",
        "encode",
        "sign",
        "read back",
    ]
    assert record["report"]["verdict"]["outcome"] == "verified"
    assert record["moderation"]["action"] == "allow"
    assert "violence" in record["moderation"]["not_checked"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_written_marked_and_signed(cli, photo, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    assert cli("protect", photo, "-o", target).code == 0
    (report,) = cli("verify", target, "--json").lines
    codes = [e["code"] for e in report["evidence"]]
    assert codes[:2] == ["credentials.trusted", "watermark.found"]


def test_prompt_is_not_in_the_file(cli, photo, tmp_path):
    target = tmp_path / "out.png"
    assert cli("protect", photo, "-o", target, "--prompt", "xyzzy-plugh").code == 0
    assert b"xyzzy" not in target.read_bytes()


def test_folder_is_rebuilt_under_the_output(cli, photo, tmp_path):
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    photo.rename(source / "a.png")
    with Image.open(source / "a.png") as picture:
        picture.save(source / "sub" / "b.webp", quality=90)
    (source / "notes.txt").write_text("not a picture")
    result = cli("protect", source, "-o", tmp_path / "out")
    assert result.code == 0
    written = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "sub/b.webp"]


def test_format_is_chosen_by_to(cli, photo, tmp_path):
    assert cli("protect", photo, "-o", f"{tmp_path}/out/", "--to", "webp").code == 0
    with Image.open(tmp_path / "out" / "photo.webp") as written:
        assert written.format == "WEBP"


def test_stdin_to_stdout(cli, photo, config: Config, monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))
    from provenance_cli.main import main

    assert main(["protect", "-", "-o", "-", "--to", "jpeg"]) == 0
    data = capsysbinary.readouterr().out
    assert data.startswith(b"\xff\xd8\xff")
    assert Verifier.from_config(config).verify(data).verdict.outcome == "verified"


def test_alpha_survives(cli, tmp_path, scene):
    picture = Image.fromarray(scene).convert("RGBA")
    ramp = Image.linear_gradient("L").resize(picture.size)
    picture.putalpha(ramp)
    picture.save(tmp_path / "a.png")
    assert cli("protect", tmp_path / "a.png", "-o", tmp_path / "b.png").code == 0
    with Image.open(tmp_path / "b.png") as result:
        assert result.getchannel("A").tobytes() == ramp.tobytes()


def test_marked_picture_is_refused_unless_replacing_is_allowed(cli, photo, tmp_path):
    cli("protect", photo, "-o", tmp_path / "one.png")
    result = cli("protect", tmp_path / "one.png", "-o", tmp_path / "two.png")
    assert result.code == 2
    assert "already carries" in result.err
    assert not (tmp_path / "two.png").exists()


def test_credentials_of_the_input_become_history(cli, photo, tmp_path, config: Config):
    replacing = config.path.with_name("replacing.toml")
    replacing.write_text(
        config.path.read_text().replace('existing = "refuse"', 'existing = "replace"')
    )
    cli("protect", photo, "-o", tmp_path / "one.png")
    again = ("protect", tmp_path / "one.png", "-o", tmp_path / "two.png", "--config", replacing)
    assert cli(*again).code == 0
    (report,) = cli("verify", tmp_path / "two.png", "--json").lines
    credentials = report["evidence"][0]
    assert [a["action"] for a in credentials["details"]["actions"]] == [
        "c2pa.opened",
        "c2pa.watermarked.bound",
    ]
    assert credentials["details"]["ingredients"][0]["relationship"] == "parentOf"
    assert report["verdict"]["origin"] == "generated"


def test_one_bad_file_does_not_stop_the_others(cli, photo, tmp_path):
    (tmp_path / "bad.png").write_text("hello")
    result = cli("protect", tmp_path / "bad.png", photo, "-o", f"{tmp_path}/out/", "--json")
    assert result.code == 2
    assert sorted(result.lines[0]) == ["error", "input"]
    assert result.lines[1]["report"]["verdict"]["outcome"] == "verified"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["photo.png"]


def test_existing_output_needs_overwrite(cli, photo, tmp_path):
    target = tmp_path / "out.png"
    target.write_text("precious")
    result = cli("protect", photo, "-o", target)
    assert result.code == 2
    assert target.read_text() == "precious"
    assert cli("protect", photo, "-o", target, "--overwrite").code == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_two_results_with_one_name_are_refused_before_any_work(cli, photo, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    result = cli("protect", photo, twin, "-o", f"{tmp_path}/out/")
    assert result.code == 2
    assert "would both be written" in result.err
    assert not (tmp_path / "out").exists()


def test_blocked_picture_is_an_answer_with_its_reason(cli, photo, tmp_path, config: Config):
    config.path.with_name("nothing.toml").write_text("[categories.nudity]\nblock = 0.0\n")
    text = config.path.read_text().replace('policy = "standard"', 'policy = "nothing.toml"')
    strict = config.path.with_name("strict.toml")
    strict.write_text(text)
    target = tmp_path / "out.png"
    result = cli("protect", photo, "-o", target, "--config", strict, "--json")
    assert result.code == 1
    (record,) = result.lines
    assert record["error"]["kind"] == "Blocked"
    assert record["error"]["category"] == "nudity"
    assert record["error"]["policy"].startswith("nothing@")
    assert "score" not in record["error"]  # it would teach how to pass
    assert not target.exists()


def test_too_small_is_refused_unless_signing_alone_is_allowed(cli, tmp_path, config: Config):
    Image.new("RGB", (64, 64), (90, 120, 60)).save(tmp_path / "tiny.png")
    refused = cli("protect", tmp_path / "tiny.png", "-o", tmp_path / "out.png")
    assert refused.code == 2
    assert refused.is_one_sentence()
    assert not (tmp_path / "out.png").exists()
    allowing = config.path.with_name("small.toml")
    allowing.write_text(
        config.path.read_text().replace('too_small = "refuse"', 'too_small = "sign-only"')
    )
    result = cli(
        "protect", tmp_path / "tiny.png", "-o", tmp_path / "out.png", "--config", allowing, "--json"
    )
    assert result.code == 0
    assert result.lines[0]["watermark_id"] is None
    assert "signed without a watermark" in result.lines[0]["notes"][-1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_real_photographs_are_protected_in_their_own_format(cli, tmp_path, suffix):
    pictures = Path(__file__).parents[2] / "examples" / "pictures"
    (source,) = pictures.glob(f"*{suffix}")
    target = tmp_path / source.name
    assert cli("protect", source, "-o", target).code == 0
    with Image.open(source) as before, Image.open(target) as after:
        assert (before.format, before.size) == (after.format, after.size)
