"""Says what is wrong with a certificate chain before C2PA does, which says "invalid" at most.

The rules are those of the C2PA certificate profile (2.2, section 14.5.1), and were checked against
c2pa-rs, which refuses what is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from provenance._c2pa import C2PA_EKU
from provenance.errors import KeyUnusable

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

_USABLE = {
    C2PA_EKU: "C2PA claim signing",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "email protection",
    "1.3.6.1.5.5.7.3.36": "document signing",
}
_UNUSABLE = {
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string: "code signing",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "TLS server",
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "TLS client",
    ExtendedKeyUsageOID.TIME_STAMPING.dotted_string: "time-stamping",
    ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string: "OCSP signing",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string: "any use",
}
_ALONE = frozenset(
    {
        ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,
        ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
    }
)
"""May not stand beside a usage for claims."""

_RENEW = "install a current certificate, or run provenance init --force for a new development one"


def load(pem: bytes, source: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, leaf first.

    Raises:
        KeyUnusable: none is there, or one is damaged.
    """
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
        chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(
            f"the certificate chain beside {source} cannot be read; expected PEM certificates, "
            "leaf first: restore the file or run provenance init --force"
        ) from error
    return chain


def check(chain: Sequence[x509.Certificate], source: str) -> None:
    """Pass a chain whose leaf C2PA readers accept in form.

    Whether it leads to an anchor is seen when the result is read back: see `why_untrusted`.

    Raises:
        KeyUnusable: dates, usages or form of the leaf are wrong; the message says which.
    """
    check_dates(chain[0], source)
    for why in (_form(chain[0]), _usages(chain[0])):
        if why:
            name = chain[0].subject.rfc4514_string()
            raise KeyUnusable(f"the certificate of {source} ({name}) cannot sign claims: {why}")


def check_dates(leaf: x509.Certificate, source: str) -> None:
    """Raise `KeyUnusable` unless the certificate is valid now."""
    now = datetime.now(UTC)
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not start <= now <= end:
        raise KeyUnusable(
            f"the certificate of {source} is valid from {start:%Y-%m-%d} to {end:%Y-%m-%d}, "
            f"today is {now:%Y-%m-%d}; {_RENEW}"
        )


def algorithm(key: object, source: str) -> str:
    """The C2PA algorithm of a public key: es256, es384, ps256 or ed25519 (13.2.1).

    Raises:
        KeyUnusable: another kind of key, curve or size.
    """
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise KeyUnusable(f"{source} is RSA with {key.key_size} bits; C2PA asks for 2048")
        return "ps256"
    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {"secp256r1": "es256", "secp384r1": "es384"}
        if key.curve.name not in names:
            raise KeyUnusable(f"{source} is on the curve {key.curve.name}; expected P-256 or P-384")
        return names[key.curve.name]
    kind = type(key).__name__.replace("PublicKey", "PrivateKey")
    raise KeyUnusable(f"{source} is a {kind}; expected EC P-256, EC P-384, RSA or Ed25519")


def why_untrusted(pem: bytes, anchors: Sequence[str]) -> str:
    """Why the chain leads to none of the anchors, and what to do."""
    chain = x509.load_pem_x509_certificates(pem)
    gap = _order(chain)
    if gap:
        return gap
    top = chain[-1]
    issuer = top.issuer.rfc4514_string()
    trusted = [c for bundle in anchors for c in x509.load_pem_x509_certificates(bundle.encode())]
    if not trusted:
        return "no trust anchors are configured; add the root of the signing certificate"
    if any(root.subject == top.issuer for root in trusted):
        return f"a trusted certificate is named {issuer}, but is not the one that issued the chain"
    return (
        f"the chain ends with {top.subject.rfc4514_string()}, issued by {issuer}, which is neither "
        "in the chain nor among your trust anchors: add the missing intermediate to the "
        "certificates, or the root to [trust] anchors"
    )


def _form(leaf: x509.Certificate) -> str:
    """Why the leaf is no end-entity certificate for signatures, or nothing."""
    try:
        extensions = leaf.extensions
    except ValueError:
        return "its extensions are damaged"
    if leaf.version is not x509.Version.v3:
        return "it is not of version 3"
    if leaf.subject == leaf.issuer:
        return (
            "it is self-signed, and C2PA wants one that an authority issued: run provenance init "
            "for a development chain, or ask your authority"
        )
    found = {e.oid: e.value for e in extensions}
    constraints = found.get(ExtensionOID.BASIC_CONSTRAINTS)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        return "it is the certificate of an authority; use one that it issued, and put that first"
    usage = found.get(ExtensionOID.KEY_USAGE)
    if not isinstance(usage, x509.KeyUsage) or not usage.digital_signature:
        return "its key usage lacks digitalSignature; ask for a certificate with it"
    if usage.key_cert_sign:
        return "its key usage holds keyCertSign, which is for authorities alone"
    if ExtensionOID.AUTHORITY_KEY_IDENTIFIER not in found:
        return "it has no authority key identifier; ask for a certificate with one"
    return ""


def _usages(leaf: x509.Certificate) -> str:
    """Why its extended key usages do not allow claims, or nothing."""
    wanted = f"C2PA wants {', '.join(_USABLE.values())}: ask for a certificate for that use"
    try:
        extension = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return f"it has no extended key usage; {wanted}"
    found = {usage.dotted_string for usage in extension.value}
    names = ", ".join(_UNUSABLE.get(u) or _USABLE.get(u) or u for u in sorted(found))
    if found.isdisjoint(_USABLE):
        return f"it is for {names}; {wanted}"
    if not found.isdisjoint(_ALONE):
        return f"it is for {names}, which may not stand together; {wanted} alone"
    return ""


def _order(chain: Sequence[x509.Certificate]) -> str:
    """Why the chain does not lead upwards, or nothing."""
    for child, parent in pairwise(chain):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return (
                f"the chain is out of order or has a gap: {child.subject.rfc4514_string()} was "
                f"issued by {child.issuer.rfc4514_string()}, and is followed by "
                f"{parent.subject.rfc4514_string()}"
            )
    return ""
