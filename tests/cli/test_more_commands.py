"""`explain`, `doctor`, `trust` and `keys` on the command line."""

from __future__ import annotations

import pytest

from provenance import home
from provenance.sign.development import create


def test_explain(cli):
    result = cli("explain", "assertion.dataHash.mismatch")
    assert result.code == 0
    assert "changed after signing" in result.out
    (record,) = cli("explain", "assertion.dataHash.mismatch", "--json").lines
    assert record["kind"] == "failure"
    assert len(cli("explain", "--json").lines) > 80


def test_explain_suggests_the_nearest_code(cli):
    result = cli("explain", "signingCredential.untrustd")
    assert result.code == 2
    assert "did you mean 'signingCredential.untrusted'?" in result.err


def test_doctor(cli, config):
    assert cli("doctor").code == 0
    levels = {r["check"]: r["level"] for r in cli("doctor", "--json").lines}
    assert levels["trial"] == "ok"


def test_doctor_with_a_problem_exits_with_one(cli, tmp_path):
    own = home.create(tmp_path / "own").config
    (own.parent / "keys" / "watermark.key").unlink()
    result = cli("doctor", "--config", own)
    assert result.code == 1
    assert "! watermark" in result.out


@pytest.fixture
def own(tmp_path):
    return home.create(tmp_path / "own").config


def test_trust_lists_come_and_go(cli, own, tmp_path):
    (tmp_path / "acme.pem").write_bytes(create("Acme").anchors)
    assert "no trust lists" in cli("trust", "list", "--config", own).out
    added = cli("trust", "add", tmp_path / "acme.pem", "--config", own)
    assert added.code == 0
    assert "O=Acme" in added.out
    (record,) = cli("trust", "list", "--config", own, "--json").lines
    assert record["name"] == "acme"
    assert cli("trust", "update", "acme", "--config", own).code == 0
    assert cli("trust", "remove", "acme", "--config", own).code == 0
    assert cli("trust", "list", "--config", own, "--json").lines == []
    assert cli("trust", "remove", "acme", "--config", own).code == 2


def test_keys_are_shown_rotated_and_revoked(cli, own, tmp_path):
    before = cli("keys", "show", "--config", own, "--json").lines
    assert [(k["role"], k["state"]) for k in before] == [
        ("signing", "active"),
        ("watermark", "active"),
    ]
    (new,) = cli("keys", "rotate", "watermark", "--config", own, "--json").lines
    assert new["id"] != before[1]["id"]
    assert "retired" in cli("keys", "show", "--config", own).out
    assert cli("keys", "revoke", before[1]["id"], "--config", own).code == 0
    assert cli("keys", "revoke", new["id"], "--config", own).code == 2
    assert cli("keys", "rotate", "nonsense", "--config", own).code == 2


@pytest.mark.parametrize("kind", ["signing", "watermark"])
def test_new_keys_are_made_apart(cli, own, tmp_path, kind):
    result = cli("keys", "new", kind, "-o", tmp_path / "apart")
    assert result.code == 0
    assert all((tmp_path / "apart") in p.parents for p in (tmp_path / "apart").iterdir())
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "apart").iterdir()} == {0o600}
    assert cli("keys", "new", kind, "-o", tmp_path / "apart").code == 2
