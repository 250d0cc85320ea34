"""Signs a file of any kind that C2PA can: pictures, video, sound, PDF.

The source is never opened for writing. The result is made in memory, read back by the same check
that `verify` uses, and only then written through a temporary file and a rename; so a failure leaves
nothing behind, and naming the same file twice does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from provenance.codec.decode import read_bytes
from provenance.codec.limits import Limits
from provenance.errors import (
    OutputError,
    ReadbackFailed,
    SigningFailed,
    UnreadablePicture,
    UnsupportedPicture,
)
from provenance.evidence import Evidence, Status
from provenance.files import write_atomically
from provenance.sign.interface import ClaimSigner, Ingredient, Statement
from provenance.sign.sign import Signed, sign_bytes
from provenance.sign.timestamp import Stamp, Timestamp
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type

SIGNABLE = frozenset(
    {
        "application/pdf",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/wav",
        "image/avif",
        "image/gif",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/jxl",
        "image/png",
        "image/svg+xml",
        "image/tiff",
        "image/webp",
        "video/mp4",
        "video/quicktime",
        "video/x-msvideo",
    }
)
"""What c2pa-rs writes into, by content. A DNG is a TIFF."""


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file that was signed, read back and written.

    Attributes:
        path: where it is.
        media_type: by content.
        size: bytes.
        manifest: the manifest store alone, for a registry.
        manifest_id: its label, `urn:c2pa:…`.
        evidence: what `verify` said of these very bytes before they were written.
        kept_history: credentials that the source carried are the parent of the new ones.
        stamp: the time-stamp, or why there is none; None if none was asked for.
    """

    path: Path
    media_type: str
    size: int
    manifest: bytes = field(repr=False)
    manifest_id: str
    evidence: tuple[Evidence, ...] = field(repr=False)
    kept_history: bool
    stamp: Stamp | None = None


def sign_file(
    source: Path,
    target: Path,
    statement: Statement,
    signer: ClaimSigner,
    anchors: Sequence[str] = (),
    *,
    timestamp: Timestamp | None = None,
    allow_untrusted: bool = False,
    overwrite: bool = False,
    limits: Limits | None = None,
) -> SignedFile:
    """Sign `source` into `target`.

    Credentials that the source carries become the parent of the new ones. A statement that creates
    then opens instead, and its source type is not stated: use `Statement.edits` for what was done.

    Args:
        source: read whole, up to `limits.max_bytes`.
        target: may be the same file with `overwrite`.
        statement: what to say.
        signer: whose key is used.
        anchors: PEM bundles that must make the result trusted.
        timestamp: the authority to ask for a time-stamp, or None.
        allow_untrusted: also write the file if its signer is outside the anchors.
        overwrite: replace what is there.
        limits: on bytes.

    Raises:
        InputError: missing, too large, or no kind of file that can be signed.
        SigningFailed, KeyUnusable: as for `sign_bytes`, or history would be lost.
        ReadbackFailed: the result does not verify; nothing was written.
        OutputError: the file exists, or cannot be written.
    """
    if not overwrite and (target.exists() or target.is_symlink()):
        raise OutputError(f"{target} exists already; choose another name or allow overwriting")
    limits = limits or Limits()
    data = read_bytes(source, limits)
    kind = signable(data, source)
    found = carried(data, kind)
    said = keeping_history(data, kind, statement, found)
    try:
        signed = sign_bytes(data, kind, said, signer, anchors, timestamp=timestamp)
        evidence = read_back(signed, kind, signer, anchors, limits, allow_untrusted=allow_untrusted)
    except (SigningFailed, ReadbackFailed) as error:
        if found is None or found.status is not Status.FAILED:
            raise
        raise SigningFailed(
            f"{error}. The credentials that the file already carries are broken "
            f"({found.code}), which may be why; sign a copy without them"
        ) from error
    path = write_atomically(target, signed.data, overwrite=overwrite)
    return SignedFile(
        path=path,
        media_type=kind,
        size=len(signed.data),
        manifest=signed.manifest,
        manifest_id=signed.manifest_id,
        evidence=evidence,
        kept_history=found is not None,
        stamp=signed.stamp,
    )


def signable(data: bytes, name: Path | str) -> str:
    """The media type of the bytes, if credentials can be put into them.

    Raises:
        UnsupportedPicture: they cannot.
        UnreadablePicture: nothing that we know.
    """
    try:
        kind = media_type(data)
    except UnreadablePicture as error:
        raise UnreadablePicture(f"{name}: {error}") from error
    if kind not in SIGNABLE:
        raise UnsupportedPicture(f"{name} is {kind}, which cannot carry Content Credentials")
    return kind


_PLAIN = frozenset({"image/avif", "image/jpeg", "image/png", "image/tiff", "image/webp"})
"""Files in which a manifest store, whose label is c2pa, and an XMP packet that names one elsewhere
(dcterms:provenance) stand uncompressed: those without both words need not be taken apart."""

_WORDS = (b"c2pa", b"provenance")


def carried(data: bytes, kind: str) -> Evidence | None:
    """What the file's own credentials are, sound, broken or elsewhere; None without."""
    if kind in _PLAIN and not any(word in data for word in _WORDS):
        return None
    first = CredentialsCheck().examine(Subject(data, kind, Limits()))[0]
    absent = first.code in {"credentials.none", "credentials.unsupported"}
    return None if absent else first


def keeping_history(
    data: bytes, kind: str, statement: Statement, found: Evidence | None
) -> Statement:
    """The statement with the file itself as parent, if it carries credentials.

    Args:
        data: the file.
        kind: its media type.
        statement: what was to be said.
        found: what `carried` says of the file.

    Raises:
        SigningFailed: another parent is named, which does not hold these credentials.
    """
    if found is None:
        return statement
    if statement.parent is None:
        return replace(statement, parent=Ingredient(data, kind))
    label = str(found.details.get("manifest_id") or "")
    if statement.parent.data == data or (label and label.encode() in statement.parent.data):
        return statement  # an editor copied them from the parent
    raise SigningFailed(
        "the file carries credentials of its own, and another parent was named, so that its "
        "history would be lost; name no parent, or sign a copy without credentials"
    )


def read_back(
    signed: Signed,
    kind: str,
    signer: ClaimSigner,
    anchors: Sequence[str],
    limits: Limits,
    *,
    allow_untrusted: bool = False,
) -> tuple[Evidence, ...]:
    """What `verify` says of the bytes, if it is what we meant.

    Raises:
        ReadbackFailed: anything but trusted and with our manifest; the message says why.
    """
    evidence = tuple(CredentialsCheck(anchors).examine(Subject(signed.data, kind, limits)))
    first = evidence[0]
    if first.code == "credentials.untrusted-signer" and not allow_untrusted:
        from provenance.sign.chain import why_untrusted

        why = why_untrusted(signer.certificates, anchors)
        raise ReadbackFailed(f"the signature is good, but its signer is not trusted: {why}")
    if first.code not in {"credentials.trusted", "credentials.untrusted-signer"}:
        raise ReadbackFailed(
            f"the signed file was read back as {first.code} ({first.explanation}); "
            "it was not written"
        )
    if first.details.get("manifest_id") != signed.manifest_id:
        raise ReadbackFailed("the signed file was read back with another manifest than its own")
    return evidence
