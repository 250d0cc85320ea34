"""`provenance log`: the history of what was issued and refused."""

from __future__ import annotations

import json

import pytest

from provenance import home


@pytest.fixture
def own(tmp_path):
    return home.create(tmp_path / "own").config


@pytest.fixture
def issued(cli, own, photo, tmp_path) -> dict:
    """One protected picture under a configuration of its own."""
    args = ("protect", photo, "-o", tmp_path / "out.png", "--config", own, "--json")
    return cli(*args).lines[0]


def test_what_was_issued_is_in_the_log(cli, own, issued):
    (entry,) = cli("log", "export", "--config", own).lines
    text = json.dumps(entry)
    assert issued["manifest_id"] in text
    assert issued["watermark_id"] in text
    assert cli("log", "verify", "--config", own).code == 0


def test_refusals_are_logged_without_prompt_and_picture(cli, own, photo, tmp_path):
    own.with_name("none.toml").write_text("[categories.nudity]\nblock = 0.0\n")
    own.write_text(own.read_text().replace('policy = "standard"', 'policy = "none.toml"'))
    args = ("protect", photo, "-o", tmp_path / "o.png", "--config", own, "--prompt", "xyzzy")
    assert cli(*args).code == 1
    (entry,) = cli("log", "export", "--config", own).lines
    text = json.dumps(entry)
    assert "nudity" in text
    assert "xyzzy" not in text
    assert "photo" not in text


def test_edited_and_cut_logs_are_noticed(cli, own, issued, photo, tmp_path):
    head = cli("log", "head", "--config", own).out.strip()
    cli("protect", photo, "-o", tmp_path / "two.png", "--config", own)
    assert cli("log", "verify", "--config", own, "--head", head).code == 0
    log = own.parent / "issued.jsonl"
    whole = log.read_bytes()
    later = cli("log", "head", "--config", own).out.strip()
    log.write_bytes(whole.replace(b"allow", b"admit", 1))
    assert cli("log", "verify", "--config", own).code in {1, 2}
    log.write_bytes(whole[: len(whole.splitlines(keepends=True)[0])])
    cut = cli("log", "verify", "--config", own, "--head", later, "--json")
    assert cut.code == 1
    assert cut.lines[0]["holds"] is False


def test_proof_is_checked_without_the_log(cli, own, issued, tmp_path):
    head = cli("log", "head", "--config", own).out.strip()
    proof = tmp_path / "proof.json"
    proof.write_text(cli("log", "prove", issued["manifest_id"], "--config", own).out)
    (own.parent / "issued.jsonl").unlink()
    assert cli("log", "check", proof, "--head", head).code == 0
    assert cli("log", "check", proof, "--head", "1:" + "0" * 64).code == 1
    record = json.loads(proof.read_text())
    proof.write_text(json.dumps(record).replace("allow", "block"))
    assert cli("log", "check", proof, "--head", head).code == 1


def test_a_signed_head_is_kept_and_the_log_held_against_it(cli, own, issued, photo, tmp_path):
    kept, exported = tmp_path / "head.json", tmp_path / "export.jsonl"
    kept.write_text(cli("log", "head", "--signed", "--config", own).out)
    exported.write_text(cli("log", "export", "--signed", "--config", own).out)
    assert len(exported.read_text().splitlines()) == 2
    cli("protect", photo, "-o", tmp_path / "two.png", "--config", own)
    for file in (kept, exported):
        assert cli("log", "verify", "--against", file, "--config", own).code == 0
    log = own.parent / "issued.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole.splitlines(keepends=True)[1])
    found = cli("log", "verify", "--against", kept, "--config", own, "--json")
    assert found.code == 1
    assert found.lines[0]["holds"] is False
    log.write_bytes(whole)
    kept.write_text(kept.read_text().replace('"head":"1:', '"head":"2:'))
    changed = cli("log", "verify", "--against", kept, "--config", own)
    assert changed.code == 2
    assert changed.is_one_sentence()
    assert "cannot be relied upon" in changed.err
    other = home.create(tmp_path / "other").config
    stranger = cli("log", "verify", "--against", exported, "--config", other)
    assert stranger.code == 2
    assert "not on your trust list" in stranger.err


def test_growth_is_proved_and_checked_without_the_log(cli, own, issued, photo, tmp_path):
    first = cli("log", "head", "--config", own).out.strip()
    cli("protect", photo, "-o", tmp_path / "two.png", "--config", own)
    second = cli("log", "head", "--config", own).out.strip()
    proof = tmp_path / "growth.json"
    proof.write_text(cli("log", "prove", "--since", first, "--config", own).out)
    (own.parent / "issued.jsonl").unlink()
    checked = cli("log", "check", proof, "--head", first)
    assert checked.code == 0
    assert checked.lines == [{"second": second}]
    assert cli("log", "check", proof, "--head", "1:" + "0" * 64).code == 1


def test_bad_arguments(cli, own, issued, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "list.json").write_text("[]")
    nothing = "1:" + "0" * 64
    for args in (
        ("log", "prove", "--config", own),
        ("log", "prove", "0", "--since", nothing, "--config", own),
        ("log", "prove", "--since", nothing, "--config", own),
        ("log", "prove", "--since", "nonsense", "--config", own),
        ("log", "verify", "--against", tmp_path / "bad.json", "--config", own),
        ("log", "verify", "--against", tmp_path / "list.json", "--config", own),
        ("log", "verify", "--against", tmp_path / "none.json", "--config", own),
        ("log", "verify", "--against", tmp_path / "bad.json", "--head", nothing, "--config", own),
        ("log", "check", tmp_path / "list.json"),
        ("log", "prove", "urn:c2pa:none", "--config", own),
        ("log", "verify", "--head", "nonsense", "--config", own),
        ("log", "check", tmp_path / "bad.json"),
        ("log", "check", tmp_path / "none.json"),
    ):
        result = cli(*args)
        assert result.code == 2, args
        assert result.is_one_sentence()


def test_stripped_copy_leads_back_to_its_credentials(cli, own, issued, tmp_path):
    from PIL import Image

    with Image.open(tmp_path / "out.png") as picture:
        picture.resize((400, 400)).save(tmp_path / "seen.jpg", quality=80)
    result = cli("verify", tmp_path / "seen.jpg", "--config", own, "--json")
    assert result.code == 0
    (recovery,) = [e for e in result.lines[0]["evidence"] if e["source"] == "recovery"]
    assert recovery["code"] == "recovery.found-by-watermark"
    assert recovery["details"]["manifest_id"] == issued["manifest_id"]
    assert "leads to credentials" in result.lines[0]["verdict"]["headline"]


def test_unavailable_registry_stops_protect_and_not_verify(cli, own, issued, photo, tmp_path):
    (own.parent / "registry.db").write_bytes(b"this is no database" * 100)
    result = cli("protect", photo, "-o", tmp_path / "three.png", "--config", own)
    assert result.code == 2
    assert result.is_one_sentence()
    assert not (tmp_path / "three.png").exists()
    report = cli("verify", tmp_path / "out.png", "--config", own, "--json")
    assert report.code == 0
    codes = [e["code"] for e in report.lines[0]["evidence"]]
    assert codes[0] == "credentials.trusted"
    assert "recovery.unavailable" in codes
