"""Attaches a signed manifest to bytes. What is shown or played is not touched."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.picture import EncodedPicture
from provenance.sign import schema
from provenance.sign.ingredients import linked
from provenance.sign.interface import ClaimSigner, Statement
from provenance.sign.manifest import definition
from provenance.sign.timestamp import Stamp, Timestamp


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes with a manifest inside, not yet read back.

    Attributes:
        data: the whole file.
        manifest: the manifest store alone, for a registry.
        manifest_id: its label, `urn:c2pa:…`.
        stamp: the time-stamp, or why there is none; None if none was asked for.
    """

    data: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    manifest_id: str
    stamp: Stamp | None = field(default=None, repr=False)


def sign(
    encoded: EncodedPicture,
    statement: Statement,
    signer: ClaimSigner,
    anchors: Sequence[str] = (),
    *,
    timestamp: Timestamp | None = None,
) -> Signed:
    """Sign `encoded`, in memory. See `sign_bytes`."""
    return sign_bytes(
        encoded.data, encoded.media_type, statement, signer, anchors, timestamp=timestamp
    )


def sign_bytes(
    data: bytes,
    media_type: str,
    statement: Statement,
    signer: ClaimSigner,
    anchors: Sequence[str] = (),
    *,
    timestamp: Timestamp | None = None,
) -> Signed:
    """Sign the bytes of any file that C2PA can, in memory.

    Nothing native is kept between calls, so that threads and forked processes need no care.

    Args:
        data: the whole file.
        media_type: by content.
        statement: what the manifest shall say.
        signer: whose key is used.
        anchors: PEM bundles against which an ingredient's signer is judged; the judgement is kept
            in the manifest.
        timestamp: the authority to ask for an RFC 3161 time-stamp, or None.

    Raises:
        SigningFailed: the statement, the certificate or the file was refused, or a time-stamp could
            not be had and `timestamp` says to fail.
        KeyUnusable: the signer's key or certificate cannot be used.
    """
    if timestamp is None:
        return _signed(data, media_type, statement, signer, anchors, None)
    from provenance.sign.relay import relay

    with relay(timestamp) as authority:
        try:
            signed = _signed(data, media_type, statement, signer, anchors, authority.url)
        except _Refused as error:
            why = authority.why_failed(str(error.__cause__))
            if not why:
                raise
            if timestamp.on_failure == "fail":
                raise SigningFailed(
                    f"no time-stamp by {timestamp.url}: {why}; try again, name another authority, "
                    'or set on_failure = "sign-without"'
                ) from error
        else:
            return replace(signed, stamp=Stamp(timestamp.url, authority.time))
    signed = _signed(data, media_type, statement, signer, anchors, None)
    return replace(signed, stamp=Stamp(timestamp.url, None, why))


class _Refused(SigningFailed):
    """By c2pa, whose error is the cause."""


def _signed(
    data: bytes,
    media_type: str,
    statement: Statement,
    signer: ClaimSigner,
    anchors: Sequence[str],
    authority: str | None,
) -> Signed:
    c2pa = _c2pa.load()
    manifest_id = f"urn:c2pa:{uuid.uuid4()}"
    defined = definition(statement, manifest_id)
    schema.check(defined)
    wanted = json.dumps(defined)
    if len(wanted) > _c2pa.MAX_MANIFEST_JSON:
        raise SigningFailed(
            f"the manifest has {len(wanted)} bytes, C2PA takes {_c2pa.MAX_MANIFEST_JSON}; "
            "publish a shorter prompt, or none"
        )
    target = io.BytesIO()
    try:
        with (
            _c2pa.context(anchors) as context,
            signer.open(authority) as handle,
            c2pa.Builder(wanted, context) as builder,
        ):
            for named, ingredient in linked(statement):
                builder.add_ingredient(named, ingredient.media_type, io.BytesIO(ingredient.data))
            manifest = builder.sign(handle, media_type, io.BytesIO(data), target)
    except c2pa.C2paError as error:
        raise _Refused(
            f"C2PA refused to sign the {media_type} file as {signer.subject}: {error}; "
            "check the file, and the certificate chain with openssl x509 -text"
        ) from error
    return Signed(target.getvalue(), bytes(manifest), manifest_id)
