"""Claims become evidence that never verifies."""

from __future__ import annotations

from provenance.claims.iptc import packet
from provenance.codec.limits import Limits
from provenance.evidence import Origin, Status
from provenance.sign.interface import SourceType
from provenance.verify.claims import ClaimsCheck
from provenance.verify.interface import Subject
from tests import signed

PARAMETERS = "a cat\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512, Version: v1.9.0"


def claims(data: bytes, kind: str = "image/png"):
    return ClaimsCheck().examine(Subject(data, kind, Limits()))


def test_none():
    (evidence,) = claims(signed.png())
    assert evidence.code == "claims.none"
    assert evidence.status is Status.ABSENT
    assert evidence.origin is Origin.UNKNOWN


def test_each_claim_is_reported_and_none_verifies():
    xmp = packet(SourceType.EDITED).decode()
    found = claims(signed.png(("XML:com.adobe.xmp", xmp), ("parameters", PARAMETERS)))
    assert [e.code for e in found] == ["claims.iptc", "claims.a1111"]
    assert [e.origin for e in found] == [Origin.EDITED, Origin.GENERATED]
    assert {e.status for e in found} == {Status.CLAIMED}
    assert all(e.explanation.endswith("Anybody can write this.") for e in found)
    assert "by Stable Diffusion web UI v1.9.0" in found[1].explanation


def test_a_source_that_is_not_ai_is_named():
    xmp = packet(SourceType.ALGORITHMIC).decode()
    (evidence,) = claims(signed.png(("XML:com.adobe.xmp", xmp)))
    assert evidence.origin is Origin.UNKNOWN
    assert "has the source type algorithmicMedia" in evidence.explanation


def test_a_file_whose_metadata_we_cannot_read():
    (evidence,) = claims(b"%PDF-1.7", "application/pdf")
    assert evidence.code == "claims.unsupported"
    assert evidence.status is Status.UNCHECKED
