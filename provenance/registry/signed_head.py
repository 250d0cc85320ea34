"""A head of the log under the key that signs the pictures, so that it can be left with anybody.

Who has it can show later what the log said then, and who writes the log cannot deny it. The time in
it is the signer's word.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from provenance.errors import KeyUnusable
from provenance.registry.proof import Head
from provenance.sign import chain
from provenance.sign.callback import check_signature

MAX_CERTIFICATES = 1 << 16
"""Characters of PEM; a chain of three has 3,000."""

_PURPOSE = "provenance-kit: head of a log, version 1"
"""Begins what is signed, so that no other signature by the key can pass for one of a head."""

_NO_HEAD = "this is no signed head; expected head, time, signature and certificates"


class HeadSigner(Protocol):
    """Every signer of `provenance.sign` is one."""

    @property
    def certificates(self) -> bytes:
        """The chain in PEM, leaf first."""

    def signature(self, data: bytes) -> bytes:
        """Of these bytes, in COSE's form."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, when it was signed, and by whom.

    Attributes:
        head: what the log said.
        time: when, by the signer's clock.
        signature: over head and time, in COSE's form.
        certificates: the signer's chain in PEM, leaf first.
    """

    head: Head
    time: datetime
    signature: bytes = field(repr=False)
    certificates: bytes = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "head": str(self.head),
            "time": self.time.isoformat(),
            "signature": base64.b64encode(self.signature).decode("ascii"),
            "certificates": self.certificates.decode("ascii"),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SignedHead:
        """The inverse of `to_dict`.

        Raises:
            ValueError: another form.
        """
        try:
            head, time = Head.parse(data["head"]), datetime.fromisoformat(data["time"])
            signature = base64.b64decode(data["signature"], validate=True)
            certificates = data["certificates"].encode("ascii")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(_NO_HEAD) from error
        if time.utcoffset() is None or len(certificates) > MAX_CERTIFICATES:
            raise ValueError(_NO_HEAD)
        return cls(head, time, signature, certificates)


def sign_head(head: Head, signer: HeadSigner) -> SignedHead:
    """Sign a head, now.

    Raises:
        KeyUnusable, SigningFailed: as the signer has it.
    """
    time = datetime.now(UTC).replace(microsecond=0)
    return SignedHead(head, time, signer.signature(_signed(head, time)), signer.certificates)


def why_refused(
    signed: SignedHead, anchors: Sequence[str], revoked: Collection[str] = ()
) -> str | None:
    """Why the head cannot be relied upon, or None if it can.

    As with pictures, a signer whose certificate has expired proves nothing any more: there is no
    time-stamp to show that the signature is older.

    Args:
        signed: from anybody.
        anchors: PEM bundles of the signers that you trust.
        revoked: serial numbers, in decimal, of certificates whose key was revoked.
    """
    try:
        found = chain.load(signed.certificates, "the head")
        if not _current(found[0]):
            start, end = found[0].not_valid_before_utc, found[0].not_valid_after_utc
            return (
                f"its certificate is valid from {start:%Y-%m-%d} to {end:%Y-%m-%d} alone, and "
                "nothing shows that the signature was made then"
            )
        chain.check(found, "the head")
        chain.algorithm(found[0].public_key(), "the certificate of the head")
        check_signature(found[0].public_key(), signed.signature, _signed(signed.head, signed.time))
    except KeyUnusable as error:
        return str(error)
    except (InvalidSignature, ValueError):
        return "its signature is not by the certificate that it names, or it was changed since"
    if str(found[0].serial_number) in revoked:
        return "it was signed with a key that was revoked, so that anybody may have made it"
    if not _leads(found, anchors):
        return f"its signer ({found[0].subject.rfc4514_string()}) is not on your trust list"
    return None


def _signed(head: Head, time: datetime) -> bytes:
    """The bytes under the signature."""
    return f"{_PURPOSE}\n{head}\n{time.isoformat()}\n".encode("ascii")


def _leads(found: Sequence[x509.Certificate], anchors: Sequence[str]) -> bool:
    """True if an anchor is in the chain, or issued one of it, and each issued the one before."""
    trusted = [c for bundle in anchors for c in x509.load_pem_x509_certificates(bundle.encode())]
    links = [*pairwise(found), (found[-1], None)]
    for depth, (child, parent) in enumerate(links):
        if child in trusted or any(_issued(child, anchor, depth) for anchor in trusted):
            return True
        if parent is None or not _issued(child, parent, depth) or not _current(parent):
            return False
    return False


def _issued(child: x509.Certificate, parent: x509.Certificate, depth: int) -> bool:
    """True if `parent` is an authority that may have, and has, issued `child`."""
    try:
        limits = parent.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = parent.extensions.get_extension_for_class(x509.KeyUsage).value
        child.verify_directly_issued_by(parent)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    deep = limits.path_length is not None and depth > limits.path_length
    return limits.ca and usage.key_cert_sign and not deep


def _current(certificate: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
