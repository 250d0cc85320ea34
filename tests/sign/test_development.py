"""The development chain: sound in form, and trusted by nobody but its own root."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from provenance._c2pa import C2PA_EKU
from provenance.sign.development import LEAF_DAYS, create
from provenance.sign.local import LocalSigner
from tests import signed


@pytest.fixture(scope="module")
def leaf() -> x509.Certificate:
    return x509.load_pem_x509_certificates(signed.chain().certificates)[0]


def test_c2pa_trusts_the_chain_under_its_own_root():
    assert signed.codes(signed.signed().data, *signed.anchors()) == ["trusted"]


def test_nobody_else_trusts_it():
    data = signed.signed().data
    other = create("Somebody else").anchors.decode()
    assert signed.codes(data) == ["untrusted-signer"]
    assert signed.codes(data, other) == ["untrusted-signer"]


def test_the_leaf_may_sign_claims_and_mail_and_nothing_else(leaf):
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {u.dotted_string for u in usages} == {
        C2PA_EKU,
        ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string,
    }
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca


def test_the_leaf_names_its_issuers_key(leaf):
    issuer = x509.load_pem_x509_certificates(signed.chain().certificates)[1]
    named = leaf.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value
    own = issuer.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
    assert named.key_identifier == own.digest


def test_each_certificate_is_signed_by_the_next():
    root = x509.load_pem_x509_certificate(signed.chain().anchors)
    leaf, middle = x509.load_pem_x509_certificates(signed.chain().certificates)
    leaf.verify_directly_issued_by(middle)
    middle.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


def test_only_the_leafs_key_is_kept():
    key = serialization.load_pem_private_key(signed.chain().key, None)
    certificates = signed.chain().certificates + signed.chain().anchors
    owners = [
        c.public_key() == key.public_key() for c in x509.load_pem_x509_certificates(certificates)
    ]
    assert owners == [True, False, False]


def test_validity_begins_five_minutes_ago_and_lasts_a_year(leaf):
    made = signed.chain()
    assert leaf.not_valid_before_utc < datetime.now(UTC) - timedelta(minutes=4)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=LEAF_DAYS)
    assert abs(leaf.not_valid_after_utc - made.expires) < timedelta(seconds=1)


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_the_organization_has_1_to_64_characters(name):
    with pytest.raises(ValueError, match=f"has {len(name)} characters; expected 1 to 64"):
        create(name)


@pytest.mark.parametrize("name", ["x", "é" * 64])
def test_the_longest_and_shortest_organization(name):
    made = create(name)
    assert name in LocalSigner(made.certificates, made.key).subject


def test_a_passphrase_encrypts_the_key():
    made = create("Locked", passphrase=b"correct horse")
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in made.key
    assert LocalSigner(made.certificates, made.key, b"correct horse").algorithm == "es256"


def test_its_repr_does_not_show_the_key():
    assert "PRIVATE KEY" not in repr(signed.chain())
