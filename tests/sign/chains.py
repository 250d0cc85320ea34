"""Certificate chains for any key, right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance._c2pa import C2PA_EKU

PEM = serialization.Encoding.PEM
USABLE = (x509.ObjectIdentifier(C2PA_EKU), ExtendedKeyUsageOID.EMAIL_PROTECTION)


def pem(key: Any, form: str = "PKCS8", passphrase: bytes | None = None) -> bytes:
    """The private key as a file."""
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(PEM, getattr(serialization.PrivateFormat, form), encryption)


def issued(key: Any, *usages: x509.ObjectIdentifier, **changes: Any) -> tuple[bytes, str]:
    """A chain of one leaf for `key`, private or public, and its root."""
    public = key.public_key() if hasattr(key, "public_key") else key
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = certificate("root", root_key.public_key(), "root", root_key, authority=True)
    leaf = certificate("leaf", public, "root", root_key, usages=usages or USABLE, **changes)
    return leaf.public_bytes(PEM), root.public_bytes(PEM).decode()


def certificate(
    name: str,
    public: Any,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
    usages: Sequence[x509.ObjectIdentifier] = (),
    signing: bool = True,
    naming_issuer: bool = True,
    names: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    """One certificate; the changes are what a profile forbids."""
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        signing and not authority,
        False,
        not signing,
        False,
        False,
        authority,
        authority,
        False,
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    )
    if naming_issuer:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), False)
    return builder.sign(issuer_key, hashes.SHA256())


def named(text: str) -> x509.Name:
    """A subject of the tests."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kinds of keys"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )
