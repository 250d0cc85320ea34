"""`explain`, `doctor` and `trust` on the command line."""

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
