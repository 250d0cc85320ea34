"""Soft-binding values as they travel: base64 of the payload's bytes, or of a fingerprint's."""

from __future__ import annotations

import base64
import binascii

from provenance.registry.fingerprint import SIZE, Fingerprint
from provenance.server.errors import invalid
from provenance.watermark.interface import Payload
from provenance.watermark.payload import SIZES

MAX_VALUE = 2048
"""Characters of a value; ours have 12, 24 and 88."""

_OTHER_ALPHABET = str.maketrans("-_ ", "+/+")
"""Base64url; and a plus that was not escaped in a URL arrives as a space."""


def decode(value: str) -> bytes:
    """The bytes of a value, in either base64 alphabet, with or without padding.

    Raises:
        Refusal: 400.
    """
    if len(value) > MAX_VALUE:
        raise invalid(f"the value has {len(value):,} characters; at most {MAX_VALUE:,} are read")
    text = value.translate(_OTHER_ALPHABET).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("the value is not base64; expected base64 of the binding's bytes") from error


def payload(value: str) -> Payload:
    """A mark's payload: base64 of its bytes, most significant first.

    Raises:
        Refusal: 400.
    """
    raw = decode(value)
    if 8 * len(raw) not in SIZES:
        wanted = " or ".join(str(bits // 8) for bits in SIZES)
        raise invalid(f"the value has {len(raw)} bytes; a payload of this mark has {wanted}")
    return Payload(int.from_bytes(raw, "big"), 8 * len(raw))


def fingerprint(value: str) -> Fingerprint:
    """A fingerprint: base64 of `Fingerprint.to_bytes()`.

    Raises:
        Refusal: 400.
    """
    raw = decode(value)
    if len(raw) != 2 * SIZE:
        raise invalid(f"the value has {len(raw)} bytes; this fingerprint has {2 * SIZE}")
    return Fingerprint.from_bytes(raw)
