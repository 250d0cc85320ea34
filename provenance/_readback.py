"""Holds the report on finished bytes against what was meant to be in them."""

from __future__ import annotations

from provenance.errors import ReadbackFailed
from provenance.evidence import Report, Status
from provenance.sign.sign import Signed
from provenance.watermark.interface import Payload


def require(report: Report, signed: Signed, payload: Payload | None) -> None:
    """The finished bytes must say what we meant them to say.

    Raises:
        ReadbackFailed: anything else.
    """
    credentials = report.find("credentials")[0]
    if credentials.code != "credentials.trusted":
        hint = (
            "add the root of your signing certificate to [trust] anchors in provenance.toml"
            if credentials.code == "credentials.untrusted-signer"
            else "check the signing certificate and key"
        )
        raise ReadbackFailed(
            f"the signed picture was read back as {credentials.code}, expected "
            f"credentials.trusted: {hint}"
        )
    if credentials.details.get("manifest_id") != signed.manifest_id:
        raise ReadbackFailed("the signed picture was read back with another manifest than its own")
    if payload is None:
        return
    found = [e for e in report.find("watermark") if e.status is Status.VERIFIED]
    if not found or found[0].details.get("payload") != payload.hex:
        raise ReadbackFailed(
            "the watermark could not be read back from the finished picture: it is too flat, or "
            'compressed too hard; use a higher quality, a larger picture, or strength = "robust"'
        )


def is_ours(report: Report, certificates: bytes) -> bool:
    """True if the report is that of a finished asset: trusted, signed by us, with its own mark.

    Args:
        report: on the bytes.
        certificates: our chain in PEM, leaf first.
    """
    from cryptography.x509 import load_pem_x509_certificates

    credentials, mark = report.find("credentials")[0], report.find("watermark")[0]
    leaf = load_pem_x509_certificates(certificates)[0]
    bound = {binding["payload"] for binding in credentials.details.get("soft_bindings", ())}
    return (
        credentials.code == "credentials.trusted"
        and credentials.details.get("serial") == str(leaf.serial_number)
        and mark.status is Status.VERIFIED
        and mark.details.get("payload") in bound
    )
