"""Attaches a signed manifest to encoded bytes. The bytes of the pixels are not touched."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.picture import EncodedPicture
from provenance.sign.interface import ClaimSigner, Statement
from provenance.sign.manifest import PARENT_LABEL, definition


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes with a manifest inside, not yet read back.

    Attributes:
        data: the whole file.
        manifest: the manifest store alone, for a registry.
        manifest_id: its label, `urn:c2pa:…`.
    """

    data: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    manifest_id: str


def sign(
    encoded: EncodedPicture,
    statement: Statement,
    signer: ClaimSigner,
    anchors: Sequence[str] = (),
) -> Signed:
    """Sign `encoded`, in memory.

    Nothing native is kept between calls, so that threads and forked processes need no care.

    Args:
        encoded: the picture, marked and written once.
        statement: what the manifest shall say.
        signer: whose key is used.
        anchors: PEM bundles against which a parent's signer is judged; the judgement is kept in
            the manifest.

    Raises:
        SigningFailed: c2pa refused the manifest, the certificate or the picture.
        KeyUnusable: the signer's key or certificate cannot be used.
    """
    c2pa = _c2pa.load()
    manifest_id = f"urn:c2pa:{uuid.uuid4()}"
    wanted = json.dumps(definition(statement, manifest_id))
    if len(wanted) > _c2pa.MAX_MANIFEST_JSON:
        raise SigningFailed(
            f"the manifest has {len(wanted)} bytes, C2PA takes {_c2pa.MAX_MANIFEST_JSON}; "
            "publish a shorter prompt, or none"
        )
    target = io.BytesIO()
    try:
        with (
            _c2pa.context(anchors) as context,
            signer.open() as handle,
            c2pa.Builder(wanted, context) as builder,
        ):
            if statement.parent is not None:
                builder.add_ingredient(
                    {"title": "input", "relationship": "parentOf", "label": PARENT_LABEL},
                    statement.parent.media_type,
                    io.BytesIO(statement.parent.data),
                )
            manifest = builder.sign(handle, encoded.media_type, io.BytesIO(encoded.data), target)
    except c2pa.C2paError as error:
        raise SigningFailed(
            f"C2PA refused to sign the picture as {signer.subject}: {error}; "
            "check the certificate chain with openssl x509 -text"
        ) from error
    return Signed(target.getvalue(), bytes(manifest), manifest_id)
