"""A signed head is by who it says, of the log that it says, and on the trust list or refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from provenance.registry.proof import Head
from provenance.registry.signed_head import SignedHead, sign_head, why_refused
from provenance.sign.callback import CallbackSigner
from provenance.sign.development import create
from provenance.sign.local import LocalSigner
from tests import signed
from tests.sign.chains import PEM, USABLE, certificate, issued, named, pem

HEAD = Head(7, "ab" * 32)


@pytest.fixture(scope="module")
def made() -> SignedHead:
    return sign_head(HEAD, signed.signer())


def test_it_holds_and_goes_through_json(made):
    assert why_refused(made, signed.anchors()) is None
    back = SignedHead.from_dict(json.loads(json.dumps(made.to_dict())))
    assert back == made
    assert back.head == HEAD
    assert abs(back.time - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["es256", "es384", "ps256", "ed25519"],
)
def test_every_kind_of_key_signs_one(make):
    key = make()
    certificates, root = issued(key)
    signer = LocalSigner(certificates, pem(key))
    found = sign_head(HEAD, signer)
    assert why_refused(found, [root]) is None
    again = CallbackSigner(signer.signature, certificates)  # as KMS, a token or a service signs
    assert why_refused(sign_head(HEAD, again), [root]) is None


def test_what_was_changed_is_refused(made):
    later = made.time + timedelta(seconds=1)
    for changed in (
        replace(made, head=Head(8, HEAD.root)),
        replace(made, head=Head(7, "ac" * 32)),
        replace(made, time=later),
        replace(made, signature=made.signature[:-1] + bytes([made.signature[-1] ^ 1])),
        replace(made, signature=b""),
    ):
        assert "its signature is not by" in why_refused(changed, signed.anchors())


def test_a_signature_of_anything_else_is_none_of_a_head(made):
    bare = signed.signer().signature(str(HEAD).encode())
    assert why_refused(replace(made, signature=bare), signed.anchors())


def test_strangers_and_revoked_keys_are_refused(made):
    stranger = create("Stranger")
    by = sign_head(HEAD, LocalSigner(stranger.certificates, stranger.key))
    assert "not on your trust list" in why_refused(by, signed.anchors())
    assert "not on your trust list" in why_refused(made, [])
    # With another's chain behind the own leaf, or the trusted certificates merely enclosed.
    leaf = by.certificates.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    for certificates in (
        leaf + made.certificates,
        by.certificates + signed.chain().anchors,
        leaf + signed.chain().anchors,
    ):
        assert "not on your trust list" in why_refused(
            replace(by, certificates=certificates), signed.anchors()
        )
    (serial,) = {
        str(c.serial_number) for c in x509.load_pem_x509_certificates(made.certificates)[:1]
    }
    assert "revoked" in why_refused(made, signed.anchors(), {serial})


def test_what_is_no_authority_issues_nobody():
    """A leaf on the trust list is trusted itself, and not what its key signs besides."""
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    mine, root = issued(key)
    leaf = x509.load_pem_x509_certificate(mine)
    assert why_refused(sign_head(HEAD, LocalSigner(mine, pem(key))), [mine.decode()]) is None
    forged = certificate("forged", other.public_key(), "leaf", key, usages=USABLE)
    signer = LocalSigner(forged.public_bytes(PEM) + mine, pem(other))
    found = sign_head(HEAD, signer)
    for anchors in ([root], [mine.decode()], [leaf.public_bytes(PEM).decode()]):
        assert "not on your trust list" in why_refused(found, anchors)


def authority(name, key, issuer, issuer_key, length, signs=True):
    now = datetime.now(UTC)
    usage = x509.KeyUsage(not signs, False, False, False, False, signs, signs, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(True, length), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("length", "signs", "holds"),
    [(None, True, True), (1, True, True), (0, True, False), (None, False, False)],
)
def test_what_an_authority_allows_below_it_is_held(length, signs, holds):
    root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = authority("root", root_key, "root", root_key, length)
    middle = authority("middle", middle_key, "root", root_key, None, signs)
    leaf = certificate("leaf", key.public_key(), "middle", middle_key, usages=USABLE)
    chain = leaf.public_bytes(PEM) + middle.public_bytes(PEM)
    found = sign_head(HEAD, LocalSigner(chain, pem(key)))
    why = why_refused(found, [root.public_bytes(PEM).decode()])
    assert (why is None) == holds, why
    assert why_refused(found, [middle.public_bytes(PEM).decode()]) is None or not signs


def test_a_certificate_that_is_past_its_date_or_for_something_else(made):
    past = create("Past", start=datetime.now(UTC) - timedelta(days=9), days=2)
    changed = replace(made, certificates=past.certificates)
    assert "nothing shows that the signature was made then" in why_refused(changed, [])
    key = ec.generate_private_key(ec.SECP256R1())
    server, root = issued(key, ExtendedKeyUsageOID.SERVER_AUTH)
    assert "it is for TLS server" in why_refused(replace(made, certificates=server), [root])
    assert "cannot be read" in why_refused(replace(made, certificates=b"none"), [root])


GOOD = {
    "head": str(HEAD),
    "time": "2026-01-02T03:04:05+00:00",
    "signature": "AAAA",
    "certificates": "x",
}


@pytest.mark.parametrize(
    "change",
    [
        {"head": "7"},
        {"head": 7},
        {"time": "yesterday"},
        {"time": "2026-01-02T03:04:05"},
        {"time": None},
        {"signature": "*"},
        {"signature": 1},
        {"certificates": "é"},
        {"certificates": ["x"]},
        {"certificates": "x" * 70000},
    ],
)
def test_another_form_is_refused(change):
    assert SignedHead.from_dict(GOOD).head == HEAD
    with pytest.raises(ValueError, match="no signed head"):
        SignedHead.from_dict({**GOOD, **change})


@given(st.sampled_from([*GOOD]), st.text(max_size=40) | st.none() | st.integers())
def test_garbage_is_refused_or_not_relied_upon(name, value):
    try:
        found = SignedHead.from_dict({**GOOD, name: value})
    except ValueError:
        return
    assert why_refused(found, signed.anchors())
