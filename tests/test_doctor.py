"""The doctor sees what is wrong, says how to mend it, and changes nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance import home
from provenance.doctor import Finding, Level, examine
from provenance.sign.development import create
from tests.sign.chains import issued, pem


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return home.create(tmp_path / "home").config


def problems(path: Path) -> dict[str, Finding]:
    return {f.check: f for f in examine(path) if f.level is Level.PROBLEM}


def replace_chain(own: Path, **options: object) -> None:
    chain = create("Other", **options)
    keys = own.parent / "keys"
    (keys / "signing.pem").write_bytes(chain.certificates)
    (keys / "signing.key").write_bytes(chain.key)
    (keys / "trust.pem").write_bytes(chain.anchors)


def test_fresh_installation_has_no_problem(own):
    findings = examine(own)
    assert {f.check: f.found for f in findings if f.level is Level.PROBLEM} == {}
    assert {f.check for f in findings} == {
        "versions",
        "c2pa",
        "settings",
        "permissions",
        "clock",
        "signing key",
        "trust",
        "watermark",
        "moderation",
        "registry",
        "log",
        "trial",
    }
    warnings = [f.found for f in findings if f.level is Level.WARNING]
    assert any("development certificate" in found for found in warnings)
    assert any("violence" in found for found in warnings)


def test_missing_configuration(tmp_path):
    found = problems(tmp_path / "none.toml")
    assert set(found) == {"settings"}
    assert "provenance init" in found["settings"].found


@pytest.mark.parametrize(
    ("name", "check"),
    [("signing.key", "signing key"), ("trust.pem", "trust"), ("watermark.key", "watermark")],
)
def test_damaged_files(own, name, check):
    (own.parent / "keys" / name).write_bytes(b"rubbish")
    found = problems(own)
    assert check in found
    assert "trial" in found


def test_open_permissions(own):
    (own.parent / "keys" / "signing.key").chmod(0o644)
    assert problems(own)["permissions"].advice.startswith("chmod 600")


def test_expired_and_soon_expiring_certificates(own):
    replace_chain(own, start=datetime.now(UTC) - timedelta(days=20), days=10)
    assert "valid from" in problems(own)["signing key"].found
    replace_chain(own, days=10)
    found = [f for f in examine(own) if f.check == "signing key"]
    assert found[0].level is Level.WARNING
    assert "Get the next certificate" in found[0].advice


def test_no_anchors(own):
    own.write_text(own.read_text().replace('["keys/trust.pem"]', "[]"))
    assert "not even your own" in problems(own)["trust"].found


def test_clock_that_is_behind(own):
    ahead = (datetime.now(UTC) + timedelta(days=2)).timestamp()
    os.utime(own, (ahead, ahead))
    assert "Set the clock" in problems(own)["clock"].advice


def test_nothing_is_changed(own):
    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in own.parent.rglob("*") if p.is_file()}

    examine(own)  # makes an empty registry and an empty log
    before = state()
    examine(own)
    assert state() == before


def test_certificate_that_may_not_sign(own):
    key = ec.generate_private_key(ec.SECP256R1())
    chain, root = issued(key, ExtendedKeyUsageOID.SERVER_AUTH)
    keys = own.parent / "keys"
    (keys / "signing.pem").write_bytes(chain)
    (keys / "signing.key").write_bytes(pem(key))
    (keys / "trust.pem").write_text(root)
    found = [f for f in examine(own) if f.check == "signing key" and f.level is Level.PROBLEM]
    assert len(found) == 1
    assert "C2PA wants C2PA claim signing" in found[0].found
