"""Keys are shown without being revealed, replaced without losing what they made, and withdrawn."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from provenance import Config, Picture, Pipeline, Verifier, home, keys
from provenance.errors import ConfigError, KeyUnusable, OutputError
from provenance.keys import Role, State


@pytest.fixture
def own(tmp_path: Path) -> Config:
    return Config.load(home.create(tmp_path / "home").config)


@pytest.fixture
def files(own: Config) -> dict[str, str]:
    """The content of every key file, by name."""
    return {p.name: p.read_text() for p in (own.path.parent / "keys").iterdir() if p.is_file()}


def stripped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.save(buffer, "PNG")
    return buffer.getvalue()


def codes(config: Config, data: bytes) -> list[str]:
    return [e.code for e in Verifier.from_config(config).verify(data).evidence[:2]]


def test_show_reveals_nothing(own, files):
    shown = keys.show(own)
    assert [(k.role, k.state) for k in shown] == [
        (Role.SIGNING, State.ACTIVE),
        (Role.WATERMARK, State.ACTIVE),
    ]
    text = repr(shown) + str([k.to_dict() for k in shown])
    assert files["watermark.key"].strip()[:8] not in text
    assert all(len(k.id) == 16 for k in shown)


def test_two_installations_have_other_keys(own, tmp_path):
    other = Config.load(home.create(tmp_path / "other").config)
    assert {k.id for k in keys.show(own)}.isdisjoint(k.id for k in keys.show(other))


def test_rotated_watermark_key_still_reads_its_marks(own, scene):
    before = Pipeline.from_config(own)(Picture.from_array(scene))
    old = keys.show(own)[1]
    new = keys.rotate(own, Role.WATERMARK)
    assert new.id != old.id
    retired = next(k for k in keys.show(own) if k.state is State.RETIRED)
    assert retired.id == old.id
    evidence = Verifier.from_config(own).verify(stripped(before.data)).evidence[1]
    assert evidence.details["payload"] == before.watermark_id
    assert evidence.details["retired_key"] is True
    after = Pipeline.from_config(own)(Picture.from_array(scene))
    assert Verifier.from_config(own).verify(after.data).evidence[1].details["retired_key"] is False


def test_rotated_signer_stays_trusted(own, scene):
    before = Pipeline.from_config(own)(Picture.from_array(scene))
    keys.rotate(own, Role.SIGNING)
    after = Pipeline.from_config(own)(Picture.from_array(scene))
    for asset in (before, after):
        assert codes(own, asset.data) == ["credentials.trusted", "watermark.found"]


def test_revoked_keys_verify_nothing(own, scene):
    before = Pipeline.from_config(own)(Picture.from_array(scene))
    ids = [k.id for k in keys.show(own)]
    keys.rotate(own, Role.SIGNING)
    keys.rotate(own, Role.WATERMARK)
    for key_id in ids:
        assert keys.revoke(own, key_id).state is State.REVOKED
    assert codes(own, before.data) == ["credentials.revoked", "watermark.none"]
    # Also where another bundle still holds its root.
    root = next((own.path.parent / "keys" / "revoked").glob("*.trust.pem"))
    own.trust_store().add(str(root), name="again")
    assert codes(own, before.data)[0] == "credentials.revoked"
    assert keys.revoke(own, ids[0]).state is State.REVOKED


def test_key_in_use_is_not_revoked(own):
    with pytest.raises(ConfigError, match="rotate watermark first"):
        keys.revoke(own, keys.show(own)[1].id)
    with pytest.raises(ConfigError, match="there is no key"):
        keys.revoke(own, "0" * 16)


def test_nothing_is_lost(own, files):
    keys.rotate(own, Role.SIGNING)
    keys.rotate(own, Role.WATERMARK)
    kept = {
        p.name.split(".", 1)[1]: p.read_text()
        for p in (own.path.parent / "keys" / "retired").iterdir()
    }
    assert kept == files
    modes = {p.stat().st_mode & 0o777 for p in (own.path.parent / "keys").rglob("*.*")}
    assert modes == {0o600}


def test_failed_rotation_changes_nothing(own, files):
    (own.path.parent / "keys" / "retired").write_text("in the way")
    for role in Role:
        with pytest.raises(OutputError):
            keys.rotate(own, role)
    now = {p.name: p.read_text() for p in (own.path.parent / "keys").iterdir()}
    assert now == {**files, "retired": "in the way"}


def test_foreign_certificate_is_not_rotated(own):
    from provenance.sign.development import create

    (own.path.parent / "keys" / "trust.pem").unlink()
    own.certificates.write_bytes(create("Acme").certificates)
    with pytest.raises(ConfigError, match="from the same authority"):
        keys.rotate(own, Role.SIGNING)


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 31, b"ab" * 33, bytes(64)])
def test_damaged_watermark_key(own, content):
    own.watermark_key.write_bytes(content)
    with pytest.raises(KeyUnusable, match="damaged"):
        keys.show(own)


def test_encrypted_key_is_not_replaced_by_an_open_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PHRASE", "correct horse")
    made = home.create(tmp_path / "home", passphrase=b"correct horse", passphrase_env="PHRASE")
    own = Config.load(made.config)
    monkeypatch.delenv("PHRASE")
    with pytest.raises(KeyUnusable):
        keys.rotate(own, Role.SIGNING)
    assert b"ENCRYPTED" in own.signing_key.read_bytes()


def test_encrypted_key_stays_encrypted(tmp_path, monkeypatch):
    monkeypatch.setenv("PHRASE", "correct horse")
    made = home.create(tmp_path / "home", passphrase=b"correct horse", passphrase_env="PHRASE")
    own = Config.load(made.config)
    keys.rotate(own, Role.SIGNING)
    assert b"ENCRYPTED" in own.signing_key.read_bytes()
    own.signer()
