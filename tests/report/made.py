"""Reports of every kind, for the tests of their forms."""

from __future__ import annotations

from dataclasses import replace

from provenance.evidence import Box, Evidence, Origin, Report, Status, Weight
from provenance.verify.policy import StandardPolicy
from provenance.verify.verifier import Verifier
from tests import signed

EVIL = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=alert(2)>\u202e"

MARK = Evidence(
    "watermark",
    "watermark.found",
    Status.VERIFIED,
    "The mark.",
    origin=Origin.GENERATED,
    false_positive_rate=1e-11,
    details={"payload": "00ff"},
)
SHOT = Evidence(
    "credentials",
    "credentials.trusted",
    Status.VERIFIED,
    "Signed.",
    origin=Origin.OTHER,
    details={
        "signer": "Acme",
        "actions": [{"action": "c2pa.created", "source_type": "digitalCapture"}],
    },
)
HANDS = Evidence(
    "hands",
    "hands.odd",
    Status.SUGGESTED,
    "A hand with six fingers.",
    origin=Origin.GENERATED,
    false_positive_rate=0.004,
    score=0.93,
    boxes=(Box(4, 4, 30, 40, "hand with six fingers", 0.93), Box(40, 10, 9_999, 30)),
    weight=Weight(80, 60, 160, 800, 900),
    heat=((0.0, 0.5), (1.0, 0.2)),
)
HOSTILE = Evidence(
    EVIL,
    f"hostile.{EVIL}",
    Status.CLAIMED,
    EVIL,
    EVIL,
    details={EVIL: EVIL, "nested": {EVIL: [EVIL]}},
    boxes=(Box(1, 1, 5, 5, EVIL),),
)
FAILED = Evidence("credentials", "credentials.altered", Status.FAILED, "Changed.", "Ask.")


def report(*evidence: Evidence, data: bytes | None = None, name: str = "a.png") -> Report:
    """A report on a drawing, or on `data`, with more evidence in front."""
    plain = Verifier.standard(looks=False).verify(data or signed.encoded().data, name=name)
    found = (*evidence, *plain.evidence)
    return replace(plain, evidence=found, verdict=StandardPolicy().judge(found))
