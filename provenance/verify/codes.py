"""What C2PA's status codes mean, in plain words, and what to do about each.

Codes: C2PA Technical Specification 2.2, section 15.2 (standard status codes), and those that
c2pa-rs 0.91 returns besides; CAWG Identity Assertion 1.2, section 7.2. Our own evidence codes are
explained by the evidence itself, and in docs/verdicts.md.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a code says of the file that has it."""

    SUCCESS = "success"
    NOTE = "note"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in plain words.

    Attributes:
        code: as C2PA writes it.
        kind: success, note or failure.
        meaning: what was found.
        advice: what to do; empty for a success.
    """

    code: str
    kind: Kind
    meaning: str
    advice: str = ""


_ORIGINAL = "Ask the source for the original file."
_SIGNER = "The software that signed it is at fault: tell its maker."
_CERTIFICATE = "Sign with a C2PA certificate; on your own machine run provenance doctor."
_CLOCK = "Check the clock of the machine that signed it, and of the time-stamp authority."

_SUCCESS = {
    "claimSignature.validated": "The signature over the claim is good.",
    "claimSignature.insideValidity": "The signature was made while the certificate was valid.",
    "signingCredential.trusted": "The signer's certificate leads to an anchor on your trust list.",
    "signingCredential.ocsp.notRevoked": "The certificate's authority says that it is not revoked.",
    "timeStamp.validated": "The time-stamp is good and belongs to this signature.",
    "timeStamp.trusted": "The time-stamp authority is on your list.",
    "timeOfSigning.insideValidity": "The certificate was valid when the signature was made.",
    "assertion.hashedURI.match": "A statement in the manifest is the one that was signed.",
    "assertion.dataHash.match": "The content of the file is what was signed.",
    "assertion.bmffHash.match": "The content of the file is what was signed.",
    "assertion.boxesHash.match": "The content of the file is what was signed.",
    "assertion.collectionHash.match": "All files of the collection are what was signed.",
    "assertion.multiAssetHash.match": "All parts of the file are what was signed.",
    "assertion.accessible": "A statement kept outside the file could be read.",
    "hashedURI.match": "A referenced part is the one that was signed.",
    "ingredient.manifest.validated": "The credentials of an ingredient are the ones recorded.",
    "ingredient.claimSignature.validated": "The signature of an ingredient's credentials is good.",
    "cawg.identity.trusted": "The named person or organisation is vouched for.",
    "cawg.identity.well-formed": "An identity statement is well formed.",
    "cawg.ica.credential_valid": "An identity statement's credential is valid.",
    "cawg.ica.time_stamp.validated": "An identity statement's time-stamp is good.",
    "cawg.x509.credential.trusted": "An identity statement's certificate is on your list.",
    "cawg.x509.signature.validated": "An identity statement's signature is good.",
}

_NOTES = {
    "algorithm.deprecated": ("An old algorithm was used that is still accepted.", _SIGNER),
    "assertion.dataHash.additionalExclusionsPresent": (
        "Parts of the file besides the credentials are not covered by the signature.",
        "Look closely: bytes in those parts may have been changed.",
    ),
    "assertion.bmffHash.additionalExclusionsPresent": (
        "Parts of the file besides the credentials are not covered by the signature.",
        "Look closely: bytes in those parts may have been changed.",
    ),
    "assertion.boxesHash.additionalExclusionsPresent": (
        "Parts of the file besides the credentials are not covered by the signature.",
        "Look closely: bytes in those parts may have been changed.",
    ),
    "ingredient.unknownProvenance": ("An ingredient has no credentials of its own.", ""),
    "manifest.unknownProvenance": ("Nothing is known of what came before.", ""),
    "signingCredential.ocsp.skipped": (
        "Whether the certificate was revoked was not looked up: nothing is fetched.",
        "",
    ),
    "signingCredential.ocsp.inaccessible": (
        "Whether the certificate was revoked could not be found out.",
        "Try again later, if it matters.",
    ),
    "timeStamp.mismatch": ("The time-stamp belongs to something else; it is ignored.", _SIGNER),
    "timeStamp.malformed": ("The time-stamp is damaged; it is ignored.", _SIGNER),
    "timeStamp.outsideValidity": (
        "The time-stamp lies outside its authority's validity; it is ignored.",
        _CLOCK,
    ),
    "timeStamp.untrusted": (
        "The time-stamp authority is not on your list, so its time proves nothing.",
        "Add the authority's root if you know it.",
    ),
    "timeStamp.credentialInvalid": (
        "The time-stamp authority's certificate may not be used for time-stamps.",
        _SIGNER,
    ),
    "timeOfSigning.outsideValidity": (
        "The signing time lies outside the certificate's validity.",
        _CLOCK,
    ),
}

_FAILURES = {
    "algorithm.unsupported": ("An algorithm was used that C2PA does not allow.", _SIGNER),
    "assertion.action.ingredientMismatch": (
        "A step names a picture that is not among the ingredients.",
        _SIGNER,
    ),
    "assertion.action.malformed": (
        "The list of steps breaks C2PA's rules: no first step, two of them, or no source type.",
        _SIGNER,
    ),
    "assertion.action.redacted": ("A step was removed that may not be removed.", _SIGNER),
    "assertion.action.redactionMismatch": (
        "A removed statement and the step that tells of it do not fit.",
        _SIGNER,
    ),
    "assertion.action.softBindingMissing": (
        "A step says that the picture was watermarked and names no watermark.",
        _SIGNER,
    ),
    "assertion.bmffHash.malformed": ("The hash of the content is not readable.", _SIGNER),
    "assertion.bmffHash.mismatch": ("The content was changed after signing.", _ORIGINAL),
    "assertion.boxesHash.malformed": ("The hash of the content is not readable.", _SIGNER),
    "assertion.boxesHash.mismatch": ("The content was changed after signing.", _ORIGINAL),
    "assertion.boxesHash.unknownBox": ("A part was added after signing.", _ORIGINAL),
    "assertion.cbor.invalid": ("A statement in the manifest is not readable.", _SIGNER),
    "assertion.cloud-data.actions": (
        "The list of steps lies outside, against the rules.",
        _SIGNER,
    ),
    "assertion.cloud-data.hardBinding": (
        "The binding to the content lies outside, against the rules.",
        _SIGNER,
    ),
    "assertion.cloud-data.labelMismatch": ("An outside statement is another one.", _SIGNER),
    "assertion.cloud-data.malformed": ("A reference to an outside statement is broken.", _SIGNER),
    "assertion.collectionHash.incorrectFileCount": (
        "Files were added to the collection, or taken out of it.",
        _ORIGINAL,
    ),
    "assertion.collectionHash.invalidURI": (
        "A file name of the collection is not allowed.",
        _SIGNER,
    ),
    "assertion.collectionHash.malformed": ("The hash of the collection is not readable.", _SIGNER),
    "assertion.collectionHash.mismatch": ("A file of the collection was changed.", _ORIGINAL),
    "assertion.dataHash.malformed": ("The hash of the content is not readable.", _SIGNER),
    "assertion.dataHash.mismatch": (
        "The content was changed after signing, or the credentials come from another file.",
        _ORIGINAL,
    ),
    "assertion.dataHash.redacted": ("The binding to the content was removed.", _ORIGINAL),
    "assertion.hardBinding.redacted": ("The binding to the content was removed.", _ORIGINAL),
    "assertion.external-reference.malformed": ("A reference to the outside is broken.", _SIGNER),
    "assertion.hashedURI.mismatch": ("A statement in the manifest was changed.", _ORIGINAL),
    "assertion.inaccessible": ("A statement could not be read.", _ORIGINAL),
    "assertion.ingredient.malformed": ("The record of an ingredient is not readable.", _SIGNER),
    "assertion.json.invalid": ("A statement in the manifest is not readable.", _SIGNER),
    "assertion.metadata.disallowed": (
        "The metadata statement holds fields that C2PA does not allow there.",
        _SIGNER,
    ),
    "assertion.missing": ("A statement that was signed is missing.", _ORIGINAL),
    "assertion.multiAssetHash.malformed": ("The hash of the parts is not readable.", _SIGNER),
    "assertion.multiAssetHash.mismatch": ("A part of the file was changed.", _ORIGINAL),
    "assertion.multiAssetHash.missingPart": ("A part of the file is missing.", _ORIGINAL),
    "assertion.multipleHardBindings": ("The content is bound twice.", _SIGNER),
    "assertion.notRedacted": ("A statement said to be removed is still there.", _SIGNER),
    "assertion.outsideManifest": ("A statement lies outside its manifest.", _SIGNER),
    "assertion.required.missing": ("A statement that C2PA asks for is missing.", _ORIGINAL),
    "assertion.selfRedacted": ("A manifest removed a statement of its own.", _SIGNER),
    "assertion.timestamp.malformed": ("The time-stamp statement is not readable.", _SIGNER),
    "assertion.undeclared": ("There is a statement that nobody signed.", _ORIGINAL),
    "claim.cbor.invalid": ("The claim is not readable.", _ORIGINAL),
    "claim.hardBindings.missing": ("Nothing binds the credentials to the content.", _SIGNER),
    "claim.malformed": ("The claim breaks C2PA's rules.", _SIGNER),
    "claim.missing": ("The claim is missing.", _ORIGINAL),
    "claim.multiple": ("There are two claims where one belongs.", _ORIGINAL),
    "claim.required.missing": ("The claim lacks something that C2PA asks for.", _SIGNER),
    "claimSignature.mismatch": (
        "The signature does not fit: the credentials were changed, or are forged.",
        _ORIGINAL,
    ),
    "claimSignature.missing": ("The signature is missing.", _ORIGINAL),
    "claimSignature.outsideValidity": (
        "The signature was made outside the certificate's validity.",
        _CLOCK,
    ),
    "general.error": ("The credentials could not be checked.", _ORIGINAL),
    "hashedURI.mismatch": ("A referenced part was changed.", _ORIGINAL),
    "hashedURI.missing": ("A referenced part is missing.", _ORIGINAL),
    "ingredient.claimSignature.mismatch": (
        "The signature of an ingredient's credentials was changed.",
        _ORIGINAL,
    ),
    "ingredient.claimSignature.missing": (
        "The signature of an ingredient's credentials is missing.",
        _ORIGINAL,
    ),
    "ingredient.hashedURI.mismatch": ("The record of an ingredient was changed.", _ORIGINAL),
    "ingredient.manifest.mismatch": (
        "The credentials of an ingredient were changed after they were recorded.",
        _ORIGINAL,
    ),
    "ingredient.manifest.missing": ("The credentials of an ingredient are missing.", _ORIGINAL),
    "manifest.compressed.invalid": ("The compressed manifest cannot be unpacked.", _ORIGINAL),
    "manifest.inaccessible": (
        "The manifest is not in the file, and nothing is fetched.",
        "Ask the source for a file with embedded credentials.",
    ),
    "manifest.missing": ("A manifest that is referred to is missing.", _ORIGINAL),
    "manifest.multipleParents": ("The picture claims two parents.", _SIGNER),
    "manifest.timestamp.invalid": ("A time-stamp manifest breaks C2PA's rules.", _SIGNER),
    "manifest.timestamp.wrongParents": ("A time-stamp manifest has wrong parents.", _SIGNER),
    "manifest.update.invalid": ("An update manifest breaks C2PA's rules.", _SIGNER),
    "manifest.update.wrongParents": ("An update manifest must have one parent.", _SIGNER),
    "signingCredential.expired": (
        "The certificate has expired, and no trusted time-stamp shows that the signature is older.",
        "Sign again with a current certificate, and with a time-stamp.",
    ),
    "signingCredential.invalid": (
        "The certificate may not be used for C2PA: most often a key usage is missing.",
        _CERTIFICATE,
    ),
    "signingCredential.ocsp.revoked": ("The certificate was revoked.", _CERTIFICATE),
    "signingCredential.ocsp.unknown": (
        "The certificate's authority does not know it.",
        _CERTIFICATE,
    ),
    "signingCredential.revoked": ("The certificate was revoked.", _CERTIFICATE),
    "signingCredential.untrusted": (
        "The signer is not on your trust list. The file may be intact all the same.",
        "If you know the signer, add their root: provenance trust add FILE.",
    ),
    "cawg.ica.did_unavailable": (
        "Who is named could not be looked up: nothing is fetched.",
        "",
    ),
    "cawg.ica.invalid_alg": ("An identity statement uses an algorithm not allowed.", _SIGNER),
    "cawg.ica.invalid_content_type": ("An identity statement has a wrong type.", _SIGNER),
    "cawg.ica.invalid_cose_sign1": ("An identity statement is not readable.", _SIGNER),
    "cawg.ica.invalid_did_document": ("An identity statement's document is broken.", _SIGNER),
    "cawg.ica.invalid_issuer": ("An identity statement names no proper issuer.", _SIGNER),
    "cawg.ica.invalid_verifiable_credential": ("An identity credential is broken.", _SIGNER),
    "cawg.ica.signature_mismatch": ("An identity statement was changed.", _ORIGINAL),
    "cawg.ica.signer_payload.mismatch": ("An identity statement is for another file.", _ORIGINAL),
    "cawg.ica.time_stamp.invalid": ("An identity statement's time-stamp is broken.", _SIGNER),
    "cawg.ica.untrusted_issuer": ("Nobody you trust vouches for the identity.", ""),
    "cawg.ica.valid_from.invalid": ("An identity credential is not valid yet.", _CLOCK),
    "cawg.ica.valid_from.missing": ("An identity credential has no date.", _SIGNER),
    "cawg.ica.valid_until.invalid": ("An identity credential has expired.", ""),
    "cawg.identity.assertion.duplicate": ("An identity statement names a part twice.", _SIGNER),
    "cawg.identity.assertion.mismatch": ("An identity statement is for other parts.", _ORIGINAL),
    "cawg.identity.hard_binding_missing": (
        "An identity statement is not bound to the content.",
        _SIGNER,
    ),
    "cawg.identity.pad.invalid": ("An identity statement's padding holds data.", _SIGNER),
    "cawg.identity.sig_type.unknown": ("An identity statement is of an unknown kind.", ""),
    "cawg.x509.credential.untrusted": ("Nobody you trust vouches for the identity.", ""),
    "cawg.x509.signature.mismatch": ("An identity statement was changed.", _ORIGINAL),
    "cawg.x509.signature.outside_validity": (
        "An identity statement was signed outside the certificate's validity.",
        _CLOCK,
    ),
}

CODES: dict[str, Explanation] = {
    **{c: Explanation(c, Kind.SUCCESS, meaning) for c, meaning in _SUCCESS.items()},
    **{c: Explanation(c, Kind.NOTE, *texts) for c, texts in _NOTES.items()},
    **{c: Explanation(c, Kind.FAILURE, *texts) for c, texts in _FAILURES.items()},
}
"""Every code that is explained."""


def explain(code: str) -> Explanation | None:
    """The explanation of a code; None if it is not known."""
    return CODES.get(code.strip())


def nearest(code: str) -> str | None:
    """The known code that is spelt most alike, if any is."""
    return next(iter(difflib.get_close_matches(code, CODES, n=1)), None)
