"""Each contradiction is named; only those between equals stop the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provenance.evidence import Evidence, Origin, Status, Weight
from provenance.verify.contradictions import find, is_camera_original, says_camera

CAPTURED = {"action": "c2pa.created", "source_type": "digitalCapture", "agent": "Leica M11-P"}


def credentials(status: Status = Status.VERIFIED, *actions: dict, **details: object) -> Evidence:
    origin = Origin.OTHER if status is Status.VERIFIED else Origin.UNKNOWN
    kind = "trusted" if status is Status.VERIFIED else "untrusted-signer"
    facts = {"actions": list(actions or [CAPTURED]), **details}
    return Evidence(
        "credentials", f"credentials.{kind}", status, "It is.", "", origin, None, None, facts
    )


def claim(family: str, origin: Origin = Origin.GENERATED, **details: object) -> Evidence:
    return Evidence(
        "claims", f"claims.{family}", Status.CLAIMED, "So.", origin=origin, details=details
    )


MARK = Evidence("watermark", "watermark.found", Status.VERIFIED, "Mark.", origin=Origin.GENERATED)
STAMP = Evidence(
    "stamps",
    "stamps.found",
    Status.CLAIMED,
    "Stamp.",
    origin=Origin.GENERATED,
    details={"generator": "FLUX.1"},
)
EXIF = claim("camera", Origin.OTHER)
LOOKS = Evidence(
    "pixels",
    "pixels.generated",
    Status.SUGGESTED,
    "Looks so.",
    weight=Weight(9, 4, 19, 500, 500),
)
MOVED = Evidence("recovery", "recovery.transplanted", Status.FAILED, "Moved.")


def found(*evidence: Evidence, looks: bool = False) -> list[tuple[str, bool]]:
    return [
        (c.code.removeprefix("contradiction."), c.decisive)
        for c in find(evidence, looks_generated=looks)
    ]


@pytest.mark.parametrize(
    ("evidence", "decisive"),
    [
        ((credentials(), MARK), True),
        ((credentials(), STAMP), True),  # the signer signed the stamp
        ((credentials(), claim("iptc")), True),
        ((EXIF, MARK), False),  # a claim clouds no mark
        ((EXIF, STAMP), True),
        ((EXIF, claim("a1111")), True),
        ((credentials(Status.CLAIMED), claim("iptc")), True),
        ((credentials(Status.CLAIMED), MARK), False),
        ((claim("iptc", Origin.OTHER, source_type="digitalCapture"), STAMP), True),
    ],
)
def test_a_camera_beside_generation(evidence, decisive):
    assert found(*evidence) == [("camera-and-generated", decisive)]


def test_unsigned_claims_do_not_stop_what_was_measured():
    assert found(EXIF, STAMP, looks=True) == [("camera-and-generated", False)]


def test_a_camera_and_an_edit_with_ai_agree():
    assert found(EXIF, claim("iptc", Origin.EDITED)) == []
    assert found(credentials(), claim("iptc", Origin.EDITED)) == []


@pytest.mark.parametrize(
    ("camera", "looks", "decisive"),
    [
        (credentials(), False, False),
        (credentials(), True, True),
        (EXIF, True, False),
    ],
)
def test_a_camera_beside_looks(camera, looks, decisive):
    assert found(camera, LOOKS, looks=looks) == [("camera-and-looks", decisive)]


def test_a_weak_hint_beside_metadata_is_nothing_to_speak_of():
    assert found(EXIF, LOOKS) == []


def test_looks_that_were_measured_to_say_nothing_contradict_nobody():
    idle = replace(LOOKS, weight=Weight(0.7, 0.2, 3.7, 400, 200))
    assert found(credentials(), idle) == []
    assert found(credentials(), replace(LOOKS, weight=None)) == []


def test_the_mark_of_another_picture():
    assert found(MARK, MOVED) == [("mark-of-another-picture", True)]
    (one,) = find([MARK, MOVED], looks_generated=False)
    assert one.between == ("watermark.found", "recovery.transplanted")


def test_credentials_that_name_another_mark():
    mark = Evidence(
        "watermark",
        "watermark.found",
        Status.VERIFIED,
        "Mark.",
        origin=Origin.GENERATED,
        details={"algorithm": "a", "payload": "02"},
    )

    def named(payload: str, algorithm: str = "a") -> Evidence:
        bound = {"algorithm": algorithm, "payload": payload}
        made = {"action": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}
        return credentials(Status.VERIFIED, made, soft_bindings=[bound])

    assert found(named("01"), mark) == [("mark-and-credentials", False)]
    assert found(named("02"), mark) == []
    assert found(named("01", "b"), mark) == []
    assert found(named(""), mark) == []


def test_two_vendors():
    openai, google = claim("x", vendor="OpenAI"), claim("y", vendor="Google")
    assert found(openai, google) == [("two-vendors", False)]
    assert found(openai, claim("z", vendor="OpenAI")) == []
    (one,) = find([openai, google], looks_generated=False)
    assert "Google, OpenAI" in one.sentence


def test_programs_that_anybody_runs_contradict_nobody():
    assert found(claim("comfyui", generator="ComfyUI"), STAMP) == []


def test_a_signed_tool_beside_another_vendor():
    made = {"action": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}
    signed = Evidence(
        "credentials",
        "credentials.untrusted-signer",
        Status.CLAIMED,
        "Intact.",
        origin=Origin.GENERATED,
        details={"tool": "Adobe Firefly", "actions": [made]},
    )
    assert found(signed, claim("mj", vendor="Midjourney")) == [("two-vendors", False)]


def test_a_record_in_the_registry_is_no_second_voice():
    record = Evidence(
        "recovery",
        "recovery.found-by-fingerprint",
        Status.CLAIMED,
        "Alike.",
        origin=Origin.GENERATED,
    )
    assert found(EXIF, record) == []


def test_failed_and_absent_evidence_says_nothing():
    altered = Evidence(
        "credentials", "credentials.altered", Status.FAILED, "No.", details={"actions": [CAPTURED]}
    )
    assert not says_camera(altered)
    assert found(altered, MARK) == []


@pytest.mark.parametrize(
    ("evidence", "original"),
    [
        ((credentials(),), True),
        ((credentials(Status.VERIFIED, CAPTURED, {"action": "c2pa.published"}),), True),
        ((credentials(Status.VERIFIED, CAPTURED, {"action": "c2pa.cropped"}),), False),
        ((credentials(Status.VERIFIED, CAPTURED, {"action": "org.example.unknown"}),), False),
        ((credentials(Status.VERIFIED, CAPTURED, {}),), False),
        ((credentials(Status.VERIFIED, CAPTURED, ingredients=[{"title": "a"}]),), False),
        ((credentials(Status.CLAIMED),), False),
        ((EXIF,), False),
        (
            (
                credentials(),
                Evidence("credentials", "credentials.parent-not-verified", Status.CLAIMED, "No."),
            ),
            False,
        ),
        ((), False),
    ],
)
def test_a_camera_original_is_signed_and_unchanged(evidence, original):
    assert is_camera_original(evidence) is original
