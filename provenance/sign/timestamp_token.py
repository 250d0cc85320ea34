"""Checks an authority's answer against the request, as RFC 3161 section 2.4.2 asks of a client.

Whether the authority is to be *trusted* is not judged here: that is for whoever verifies.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, ClassVar

from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


# asn1crypto has no types, so that its classes are Any to mypy.
class Response(core.Sequence):  # type: ignore[misc]
    """TimeStampResp; asn1crypto has one that takes no refusals, which hold no token."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


class BadToken(Exception):
    """The answer is no time-stamp for this request."""


def check(request: bytes, answer: bytes) -> datetime:
    """The time in the answer.

    Args:
        request: a DER TimeStampReq.
        answer: a DER TimeStampResp, by anybody.

    Raises:
        BadToken: refused, malformed, for another request, or its signature does not hold.
    """
    try:
        return _checked(tsp.TimeStampReq.load(request), answer)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadToken("its answer is no RFC 3161 time-stamp") from error
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise BadToken("the signature of its time-stamp does not hold") from error


def _checked(asked: Any, answer: bytes) -> datetime:
    said = Response.load(answer, strict=True)
    status = said["status"]["status"].native
    if status not in {"granted", "granted_with_mods"}:
        reasons = said["status"]["fail_info"].native or ()
        raise BadToken(f"it refused: {status} {', '.join(sorted(reasons))}".rstrip())
    signed = said["time_stamp_token"]["content"]
    enclosed = signed["encap_content_info"]
    if enclosed["content_type"].native != "tst_info":
        raise BadToken("its answer holds no time-stamp")
    info = enclosed["content"].parsed
    imprint, wanted = info["message_imprint"], asked["message_imprint"]
    if imprint.native != wanted.native:
        raise BadToken("its time-stamp is for other bytes than ours")
    if asked["nonce"].native is not None and info["nonce"].native != asked["nonce"].native:
        raise BadToken("its time-stamp has another nonce than our request: it may be an old one")
    _check_signature(signed, enclosed["content"].contents)
    time: datetime = info["gen_time"].native
    return time


def _check_signature(signed: Any, content: bytes) -> None:
    """CMS SignedData with signed attributes (RFC 5652, section 5.4)."""
    (signer,) = signed["signer_infos"]
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise BadToken(f"its time-stamp is signed with {name}; expected SHA-2")
    attributes = {a["type"].native: a["values"] for a in signer["signed_attrs"]}
    if attributes["message_digest"][0].native != hashlib.new(name, content).digest():
        raise InvalidSignature
    certificate = _certificate(signed, signer["sid"])
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING] or not usage.critical:
        raise BadToken("its certificate is not for time-stamping alone")
    data = signer["signed_attrs"].untag().dump()
    signature, key = signer["signature"].native, certificate.public_key()
    hasher = _HASHES[name]
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(hasher))
    elif isinstance(key, rsa.RSAPublicKey):
        if signer["signature_algorithm"].signature_algo == "rsassa_pss":
            salt = padding.PSS(padding.MGF1(hasher), padding.PSS.AUTO)
            key.verify(signature, data, salt, hasher)
        else:
            key.verify(signature, data, padding.PKCS1v15(), hasher)
    else:
        raise BadToken("its certificate has a key of an unknown kind")


def _certificate(signed: Any, sid: Any) -> x509.Certificate:
    """The signer's certificate, which the request asked to be sent along."""
    for choice in signed["certificates"]:
        found = choice.chosen
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen
            match = (
                found.serial_number == named["serial_number"].native
                and found.issuer == named["issuer"]
            )
        else:
            match = found.key_identifier == sid.chosen.native
        if match:
            return x509.load_der_x509_certificate(found.dump())
    raise BadToken("its time-stamp does not hold the signer's certificate")
