"""A development certificate chain that C2PA readers accept in form, and nobody trusts.

Root, intermediate and leaf as the C2PA certificate profile wants them (2.2, section 14.5.1):
the leaf has digitalSignature alone, the C2PA and emailProtection usages, and an authority key id.
The root signs once and its key is thrown away, so that no second leaf can ever be issued under it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance._c2pa import C2PA_EKU

LEAF_DAYS = 365
AUTHORITY_DAYS = 3650


@dataclass(frozen=True, slots=True)
class DevelopmentChain:
    """PEM files of a new chain.

    Attributes:
        certificates: leaf, then intermediate: what a signer presents.
        key: the leaf's private key, PKCS#8, encrypted if a passphrase was given.
        anchors: the root: what a verifier trusts.
        expires: when the leaf does.
    """

    certificates: bytes
    key: bytes = field(repr=False)
    anchors: bytes
    expires: datetime


def create(
    organization: str,
    *,
    passphrase: bytes | None = None,
    start: datetime | None = None,
    days: int = LEAF_DAYS,
) -> DevelopmentChain:
    """Make a fresh chain on P-256, whose algorithm (es256) every C2PA reader knows.

    Args:
        organization: named in the certificates, 1 to 64 characters (RFC 5280, ub-organization).
        passphrase: encrypts the leaf's key.
        start: beginning of validity, five minutes ago by default: clocks differ.
        days: validity of the leaf.

    Raises:
        ValueError: the organization's name is too short or too long.
    """
    if not 1 <= len(organization) <= 64:
        raise ValueError(
            f"the organization's name has {len(organization)} characters; expected 1 to 64"
        )
    start = start or datetime.now(UTC) - timedelta(minutes=5)
    root_key, middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name = _name(organization, "Provenance development root (trusted by nobody else)")
    middle_name = _name(organization, "Provenance development intermediate")
    leaf_name = _name(organization, "Provenance development signer")
    authority_end = start + timedelta(days=AUTHORITY_DAYS)
    leaf_end = start + timedelta(days=days)

    def issue(
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        end: datetime,
        path_length: int | None,
    ) -> x509.Certificate:
        authority = path_length is not None
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(authority, path_length), critical=True)
            .add_extension(_usage(authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
        )
        if not authority:
            usages = [x509.ObjectIdentifier(C2PA_EKU), ExtendedKeyUsageOID.EMAIL_PROTECTION]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    root = issue(root_name, root_key, root_name, root_key, end=authority_end, path_length=1)
    middle = issue(middle_name, middle_key, root_name, root_key, end=authority_end, path_length=0)
    leaf = issue(leaf_name, leaf_key, middle_name, middle_key, end=leaf_end, path_length=None)
    pem = serialization.Encoding.PEM
    return DevelopmentChain(
        certificates=leaf.public_bytes(pem) + middle.public_bytes(pem),
        key=leaf_key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption(),
        ),
        anchors=root.public_bytes(pem),
        expires=leaf_end,
    )


def _name(organization: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(authority: bool) -> x509.KeyUsage:
    """Authorities sign certificates; the leaf signs data and nothing else."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
