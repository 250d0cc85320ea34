"""3,000 mutated signed files: no crash, no hang, and never *trusted* with other content.

C2PA leaves some padding unsigned, so that a changed byte there changes nothing that is signed or
shown. What must never happen is that a file is called trusted whose pixels or whose statements are
not those that were signed.
"""

from __future__ import annotations

import random
import time
import zlib

import numpy as np
import pytest

from provenance import Verifier
from provenance.codec.decode import decode
from provenance.errors import InputError
from provenance.evidence import Report
from tests import signed

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
EACH = 600
SLOWEST = 5.0
"""Seconds for one file."""


def mutant(data: bytes, rng: random.Random) -> bytes:
    """One of six kinds of damage."""
    changed = bytearray(data)
    at = rng.randrange(len(changed))
    kind = rng.randrange(6)
    if kind == 0:
        changed[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        for _ in range(rng.randrange(2, 30)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    elif kind == 2:
        del changed[at : at + rng.randrange(1, 200)]
    elif kind == 3:
        changed[at:at] = rng.randbytes(rng.randrange(1, 200))
    elif kind == 4:
        other = rng.randrange(len(changed))
        length = rng.randrange(1, 100)
        changed[at : at + length] = changed[other : other + length]
    else:
        del changed[at:]
    return bytes(changed)


def with_good_checksums(png: bytes) -> bytes:
    """A PNG whose chunks have right checksums, as a forger would leave it."""
    out, at = bytearray(png[:8]), 8
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        body = png[at + 4 : at + 8 + length]
        if at + 12 + length > len(png):
            break
        out += png[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out) + png[at:]


def said(report: Report) -> tuple[object, ...]:
    """What the credentials state, without what is known of every file."""
    facts = report.evidence[0].details
    return tuple(
        repr(facts.get(name))
        for name in ("manifest_id", "signer", "actions", "soft_bindings", "ingredients")
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_no_mutant_is_trusted_with_other_content(kind):
    original = signed.signed(kind).data
    verifier = Verifier.standard(anchors=signed.anchors())
    pixels = decode(original).pixels
    whole = verifier.verify(original)
    assert whole.evidence[0].code == "credentials.trusted"
    rng = random.Random(f"mutants of {kind}")
    trusted = refused = failed = 0
    for number in range(EACH):
        data = mutant(original, rng)
        if kind == "PNG":
            data = with_good_checksums(data)
        start = time.perf_counter()
        try:
            report = verifier.verify(data)
        except InputError:
            refused += 1
            continue
        finally:
            assert time.perf_counter() - start < SLOWEST, number
        if report.evidence[0].code != "credentials.trusted":
            failed += 1
            continue
        trusted += 1
        assert np.array_equal(decode(data).pixels, pixels), number
        assert said(report) == said(whole), number
    assert trusted + refused + failed == EACH
    assert trusted < EACH // 2
