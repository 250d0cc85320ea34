"""`[signing]` of a configuration, for every kind of signer."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import ConfigError, KeyUnusable
from provenance.sign import configured
from provenance.sign.development import create
from provenance.sign.timestamp import Timestamp
from tests import signed

WHERE = Path("/etc/provenance.toml")
REMOTE = {"url": "https://signer.example.com/sign", "token_env": "TOKEN", "retries": 1}
TOKEN = {"module": "/x.so", "token": "t", "key": "k", "pin_env": "PIN"}


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    made = signed.chain()
    (tmp_path / "c.pem").write_bytes(made.certificates)
    (tmp_path / "k.pem").write_bytes(made.key)
    return tmp_path / "c.pem", tmp_path / "k.pem"


def test_files_are_the_default(files):
    configured.check({}, WHERE)
    assert configured.signer({}, *files).subject == signed.signer().subject


def test_the_passphrase_is_in_the_variable_that_is_named(tmp_path):
    made = create("Locked", passphrase=b"open")
    (tmp_path / "c").write_bytes(made.certificates)
    (tmp_path / "k").write_bytes(made.key)
    section = {"passphrase_env": "PHRASE"}
    paths = (tmp_path / "c", tmp_path / "k")
    assert configured.signer(section, *paths, {"PHRASE": "open"})
    with pytest.raises(KeyUnusable, match="no passphrase was given"):
        configured.signer(section, *paths, {})


def test_the_environment(files):
    given = {
        "PROVENANCE_SIGNING_CERTIFICATES": signed.chain().certificates.decode(),
        "PROVENANCE_SIGNING_KEY": signed.chain().key.decode(),
    }
    made = configured.signer({"signer": "environment"}, *files, given)
    assert made.subject == signed.signer().subject


@pytest.mark.parametrize(
    ("section", "environment", "name"),
    [
        ({"signer": "remote", "remote": REMOTE}, {"TOKEN": "x"}, "RemoteSigner"),
        ({"signer": "remote", "remote": {"url": "http://127.0.0.1:1/"}}, {}, "RemoteSigner"),
        ({"signer": "kms", "kms": {"key_id": "alias/x", "timeout_s": 1}}, {}, "KmsSigner"),
        ({"signer": "pkcs11", "pkcs11": TOKEN}, {"PIN": "1234"}, "Pkcs11Signer"),
    ],
)
def test_signers_elsewhere(section, environment, name, files):
    pytest.importorskip({"KmsSigner": "boto3", "Pkcs11Signer": "pkcs11"}.get(name, "json"))
    configured.check(section, WHERE)
    made = configured.signer(section, *files, environment)
    assert type(made).__name__ == name
    assert made.subject == signed.signer().subject


@pytest.mark.parametrize(
    ("section", "match"),
    [
        ({"signer": "file"}, "expected one of files, environment, pkcs11, kms, remote"),
        ({"signer": "kms"}, r"expected \[signing.kms\] with its key"),
        ({"signer": "kms", "kms": {}}, "lacks key_id"),
        ({"remote": {"urll": "x"}}, "has 'urll'; did you mean 'url'"),
        ({"remote": {"url": "x", "retries": "2"}}, "retries = '2'; expected another type"),
        ({"timestamp": {"url": "x", "timeout_s": True}}, "timeout_s = True; expected another"),
        ({"timestamp": "http://tsa"}, "is no table"),
        ({"pkcs11": {"module": "/x.so"}}, "lacks token, key, pin_env"),
    ],
)
def test_what_is_wrong_is_named(section, match):
    with pytest.raises(ConfigError, match=match):
        configured.check(section, WHERE)


def test_values_that_make_no_sense(files):
    for section, environment, match in (
        ({"signer": "remote", "remote": {"url": "http://x.example/"}}, {}, "in the clear"),
        ({"signer": "pkcs11", "pkcs11": {**TOKEN, "module": "x.so"}}, {"PIN": "1"}, "absolute"),
    ):
        with pytest.raises(ConfigError, match=match):
            configured.signer(section, *files, environment)
    with pytest.raises(KeyUnusable, match=r"expected in \$TOKEN, which is not set"):
        configured.signer({"signer": "remote", "remote": REMOTE}, *files, {})
    with pytest.raises(KeyUnusable, match=r"missing\.pem cannot be read"):
        configured.signer({"signer": "remote", "remote": REMOTE}, Path("/missing.pem"), files[1])


def test_a_time_stamp_authority():
    assert configured.timestamp({}) is None
    section = {"timestamp": {"url": "http://tsa.example.com/", "on_failure": "sign-without"}}
    configured.check(section, WHERE)
    assert configured.timestamp(section) == Timestamp("http://tsa.example.com/", "sign-without")
    with pytest.raises(ConfigError, match="on_failure is 'ignore'"):
        configured.timestamp({"timestamp": {"url": "http://x/", "on_failure": "ignore"}})
