"""Certificates that C2PA calls "invalid" and no more: each fault is named before signing."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.errors import KeyUnusable
from provenance.sign import chain
from provenance.sign.development import create
from provenance.sign.local import LocalSigner
from tests import signed
from tests.sign.chains import PEM, USABLE, certificate, issued, pem

KEY = ec.generate_private_key(ec.SECP256R1())


def refused(leaf: bytes, match: str) -> None:
    with pytest.raises(KeyUnusable, match=match):
        LocalSigner(leaf, pem(KEY))


@pytest.mark.parametrize(
    ("usages", "match"),
    [
        ((ExtendedKeyUsageOID.CODE_SIGNING,), "for code signing; C2PA wants C2PA claim signing"),
        ((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH), "TLS server, TLS cl"),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), "it is for any use"),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), "it is for time-stamping; C2PA wants"),
        ((USABLE[1], ExtendedKeyUsageOID.TIME_STAMPING), "which may not stand together"),
        ((x509.ObjectIdentifier("1.2.3.4"),), r"it is for 1\.2\.3\.4"),
    ],
    ids=["code", "TLS", "any", "time", "mail and time", "unknown"],
)
def test_a_wrong_usage_is_named(usages, match):
    refused(issued(KEY, *usages)[0], match)


@pytest.mark.parametrize("usage", [*USABLE, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")])
def test_each_right_usage_alone_is_trusted(usage):
    leaf, root = issued(KEY, usage)
    data = signed.signed(by=LocalSigner(leaf, pem(KEY))).data
    assert signed.codes(data, root) == ["trusted"]


def test_no_usage_at_all():
    leaf = certificate("leaf", KEY.public_key(), "root", KEY)
    refused(leaf.public_bytes(PEM), "it has no extended key usage")


def test_other_faults_of_form():
    refused(issued(KEY, signing=False)[0], "key usage lacks digitalSignature")
    refused(issued(KEY, naming_issuer=False)[0], "no authority key identifier")
    refused(issued(KEY, authority=True)[0], "certificate of an authority")


def test_self_signed():
    leaf = certificate("me", KEY.public_key(), "me", KEY, usages=USABLE)
    refused(leaf.public_bytes(PEM), "it is self-signed, and C2PA wants one that an authority")


def test_a_missing_intermediate_is_named():
    made = signed.chain()
    leaf = (
        made.certificates.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    )
    why = chain.why_untrusted(leaf, signed.anchors())
    assert "issued by CN=Provenance development intermediate" in why
    assert "add the missing intermediate" in why


def test_other_reasons_to_be_untrusted():
    made = signed.chain()
    assert "no trust anchors are configured" in chain.why_untrusted(made.certificates, ())
    stranger = create("Test signers").anchors.decode()
    assert "not the one that issued" in chain.why_untrusted(made.certificates, (stranger,))
    mixed = made.certificates + create("Other").certificates
    assert "out of order or has a gap" in chain.why_untrusted(mixed, signed.anchors())
