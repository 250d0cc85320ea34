"""What is not judged is listed in every report, whatever the file is."""

from __future__ import annotations

import pytest

from provenance.codec.limits import Limits
from provenance.detect.limbs import LimbsCheck
from provenance.evidence import Origin, Status
from provenance.verify.interface import Subject
from provenance.verify.policy import StandardPolicy


@pytest.mark.parametrize("kind", ["image/png", "application/pdf"])
def test_limbs_and_faces_are_listed_with_the_reason(kind):
    found = LimbsCheck().examine(Subject(b"", kind, Limits()))
    assert [e.source for e in found] == ["limbs", "faces"]
    for each in found:
        assert each.code == f"{each.source}.not-checked"
        assert (each.status, each.origin) == (Status.UNCHECKED, Origin.UNKNOWN)
        assert each.explanation and each.advice
        assert each.weight is None and each.score is None


def test_they_say_nothing_of_the_picture():
    verdict = StandardPolicy().judge(LimbsCheck().examine(Subject(b"", "image/png", Limits())))
    assert verdict.probability is None
    assert verdict.reasons == ()
    assert verdict.coverage == "0 of 2 checks were completed (not: limbs, faces)."
