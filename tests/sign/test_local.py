"""A key in a PEM file: each way in which it cannot be used, and that nothing of it is ever said."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.errors import KeyUnusable
from provenance.sign.development import create
from provenance.sign.local import LocalSigner
from tests import signed
from tests.sign.chains import issued, pem

PASSPHRASE = b"correct horse battery staple"


@pytest.fixture(scope="module")
def locked():
    return create("Locked", passphrase=PASSPHRASE)


def said(error: BaseException | None) -> str:
    """All that an exception and those behind it could bring into a log."""
    text = ""
    while error is not None:
        text += "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)
        error = error.__cause__ or error.__context__
    return text


def assert_silent(text: str, *secrets: bytes) -> None:
    """No secret, and no line of a PEM body, stands in the text."""
    for secret in secrets:
        for line in secret.decode("latin-1").splitlines():
            if line and not line.startswith("-----"):
                assert line not in text


# What works


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "es256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (lambda: rsa.generate_private_key(65537, 2048), "ps256"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519"),
    ],
    ids=["P-256", "P-384", "RSA", "Ed25519"],
)
def test_every_supported_kind_of_key_signs_and_is_trusted(make, algorithm):
    key = make()
    leaf, root = issued(key)
    signer = LocalSigner(leaf, pem(key))
    assert signer.algorithm == algorithm
    data = signed.signed(by=signer).data
    assert signed.codes(data, root) == ["trusted"]


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_both_pem_forms_open_with_and_without_passphrase(form, passphrase):
    key = ec.generate_private_key(ec.SECP256R1())
    leaf, _ = issued(key)
    signer = LocalSigner(leaf, pem(key, form, passphrase), passphrase)
    assert signer.subject == "CN=leaf,O=Kinds of keys"


def test_a_passphrase_for_a_key_without_one_is_ignored():
    made = signed.chain()
    assert LocalSigner(made.certificates, made.key, PASSPHRASE).algorithm == "es256"


def test_remarks_and_a_key_beside_the_certificates_are_left_out():
    made = signed.chain()
    untidy = "subject=O=Café\n".encode() + made.certificates + made.key
    signer = LocalSigner(untidy, made.key)
    data = signed.signed(by=signer).data
    assert signed.codes(data, *signed.anchors()) == ["trusted"]
    assert_silent(data.decode("latin-1"), made.key)


# What does not


def test_an_encrypted_key_needs_its_passphrase(locked):
    with pytest.raises(KeyUnusable, match="encrypted and no passphrase was given; set the") as info:
        LocalSigner(locked.certificates, locked.key)
    assert_silent(said(info.value), locked.key)


def test_a_wrong_passphrase_is_not_repeated(locked):
    wrong = PASSPHRASE[::-1]
    with pytest.raises(KeyUnusable, match="the passphrase is wrong, or it is damaged") as info:
        LocalSigner(locked.certificates, locked.key, wrong)
    assert_silent(said(info.value), wrong, locked.key)


def _cut(key: bytes) -> bytes:
    lines = key.splitlines()
    return b"\n".join([lines[0], lines[1][:30], *lines[2:]])


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: b"",
        lambda key: b"not a key",
        lambda key: key[: len(key) // 2],
        lambda key: key.replace(b"M", b"!"),
        _cut,
        lambda key: key.replace(b"PRIVATE", b"SECRET"),
        lambda key: key.splitlines()[1],
    ],
    ids=["empty", "text", "half", "not base64", "cut line", "other label", "body alone"],
)
def test_a_damaged_key_is_not_quoted(damage):
    made = create("Damaged")
    broken = damage(made.key)
    with pytest.raises(KeyUnusable, match="it is damaged; expected a PEM private key") as info:
        LocalSigner(made.certificates, broken, source="/keys/signing.key")
    assert "/keys/signing.key" in str(info.value)
    assert_silent(said(info.value), made.key, broken if len(broken) > 20 else b"")


def test_the_key_of_another_certificate():
    other = create("Other")
    with pytest.raises(KeyUnusable, match="is not the key of the first certificate") as info:
        LocalSigner(signed.chain().certificates, other.key)
    assert_silent(said(info.value), other.key)


def test_a_chain_that_does_not_begin_with_the_leaf():
    made = create("Reversed")
    leaf, middle = made.certificates.split(b"-----END CERTIFICATE-----\n")[:2]
    end = b"-----END CERTIFICATE-----\n"
    with pytest.raises(KeyUnusable, match="put the leaf first"):
        LocalSigner(middle + end + leaf + end, made.key)


@pytest.mark.parametrize("chain", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nMII"])
def test_a_damaged_chain(chain):
    with pytest.raises(KeyUnusable, match=r"the certificate chain beside .* cannot be read"):
        LocalSigner(chain, signed.chain().key)


def test_an_expired_certificate():
    made = create("Late", start=datetime.now(UTC) - timedelta(days=30), days=29)
    with pytest.raises(KeyUnusable, match=r"is valid from .* to .*; install a current") as info:
        LocalSigner(made.certificates, made.key)
    assert_silent(said(info.value), made.key)


def test_a_certificate_that_is_not_yet_valid():
    made = create("Early", start=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(KeyUnusable, match=r"is valid from .*, today is "):
        LocalSigner(made.certificates, made.key)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ec.generate_private_key(ec.SECP521R1()), "on the curve secp521r1; expected"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "on the curve secp256k1; expected"),
        (lambda: rsa.generate_private_key(65537, 1024), "RSA with 1024 bits; C2PA asks for 2048"),
        (x25519.X25519PrivateKey.generate, "X25519PrivateKey; expected EC P-256"),
        (lambda: dsa.generate_private_key(1024), "DSAPrivateKey; expected EC P-256"),
    ],
    ids=["P-521", "secp256k1", "RSA-1024", "X25519", "DSA"],
)
def test_unsupported_kinds_of_keys(make, message):
    key = make()
    with pytest.raises(KeyUnusable, match=message) as info:
        LocalSigner(signed.chain().certificates, pem(key))
    assert_silent(said(info.value), pem(key))


def test_a_certificate_for_another_use_is_named_with_its_use():
    key = ec.generate_private_key(ec.SECP256R1())
    leaf, _ = issued(key, ExtendedKeyUsageOID.CODE_SIGNING)
    with pytest.raises(KeyUnusable, match="it is for code signing; C2PA wants") as info:
        LocalSigner(leaf, pem(key))
    assert_silent(said(info.value), pem(key))


def _environment(made, **more):
    return {
        "PROVENANCE_SIGNING_CERTIFICATES": made.certificates.decode(),
        "PROVENANCE_SIGNING_KEY": made.key.decode(),
        **more,
    }


def test_the_environment_holds_key_and_chain(locked):
    made = signed.chain()
    assert LocalSigner.from_environment(_environment(made)).subject == signed.signer().subject
    phrase = {"PROVENANCE_SIGNING_PASSPHRASE": PASSPHRASE.decode()}
    assert LocalSigner.from_environment(_environment(locked, **phrase)).algorithm == "es256"


def test_line_ends_may_be_written_out_in_the_environment():
    flat = {name: text.replace("\n", "\\n") for name, text in _environment(signed.chain()).items()}
    assert LocalSigner.from_environment(flat).subject == signed.signer().subject


def test_the_environment_is_read_when_none_is_given(monkeypatch):
    for name, text in _environment(signed.chain()).items():
        monkeypatch.setenv(name, text)
    data = signed.signed(by=LocalSigner.from_environment()).data
    assert signed.codes(data, *signed.anchors()) == ["trusted"]


def test_what_is_missing_or_wrong_in_the_environment_is_named_and_not_quoted(locked):
    given = _environment(locked, PROVENANCE_SIGNING_PASSPHRASE="wrong horse")
    with pytest.raises(KeyUnusable, match=r"\$PROVENANCE_SIGNING_KEY is not set"):
        LocalSigner.from_environment({**given, "PROVENANCE_SIGNING_KEY": " "})
    with pytest.raises(KeyUnusable, match=r"key in \$PROVENANCE_SIGNING_KEY cannot be") as info:
        LocalSigner.from_environment(given)
    assert_silent(said(info.value), b"wrong horse", locked.key)


def test_missing_files_are_named(tmp_path):
    chain, key = tmp_path / "signing.pem", tmp_path / "signing.key"
    with pytest.raises(KeyUnusable, match=r"signing\.pem cannot be read \(No such file"):
        LocalSigner.from_files(chain, key)
    chain.write_bytes(signed.chain().certificates)
    with pytest.raises(KeyUnusable, match=r"signing\.key cannot be read"):
        LocalSigner.from_files(chain, key)
    key.mkdir()
    with pytest.raises(KeyUnusable, match=r"signing\.key cannot be read \(Is a directory"):
        LocalSigner.from_files(chain, key)


def test_files_that_are_there(tmp_path):
    (tmp_path / "c").write_bytes(signed.chain().certificates)
    (tmp_path / "k").write_bytes(signed.chain().key)
    signer = LocalSigner.from_files(tmp_path / "c", tmp_path / "k")
    assert signer.subject == signed.signer().subject


def test_repr_names_the_subject_and_nothing_else():
    made = signed.chain()
    shown = repr(LocalSigner(made.certificates, made.key, PASSPHRASE))
    assert shown == f"LocalSigner({signed.signer().subject!r}, es256)"
    assert_silent(shown, made.key, PASSPHRASE)
