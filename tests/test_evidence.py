"""Results are data: frozen, and ready for JSON."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from provenance.evidence import (
    SCHEMA,
    Box,
    Contradiction,
    Evidence,
    Origin,
    Outcome,
    Reason,
    Report,
    Result,
    Status,
    Verdict,
    Weight,
)

FOUND = Evidence(
    "watermark",
    "watermark.found",
    Status.VERIFIED,
    "Found.",
    "Nothing to do.",
    Origin.GENERATED,
    0.5,
    1e-9,
    {"payload": "00"},
)
MISSED = Evidence("credentials", "credentials.none", Status.ABSENT, "None.")
SKIPPED = Evidence("claims", "claims.unsupported", Status.UNCHECKED, "No.")
LOOKS = Evidence(
    "hands",
    "hands.odd",
    Status.SUGGESTED,
    "Odd.",
    boxes=(Box(1, 2, 3, 4, "hand"),),
    heat=((0.0, 1.0),),
)
VERDICT = Verdict(
    Outcome.VERIFIED,
    Origin.GENERATED,
    "It is.",
    ("watermark.found",),
    "Go.",
    Result.GENERATED,
    0.9,
    (0.8, 0.95),
    0.5,
    (Contradiction("c", "No.", ("a", "b"), decisive=True),),
    (
        Reason("watermark.found", "It is.", counted=True, weight=Weight(9.0, 5.0, 20.0, 100, 200)),
        Reason("x", "So.", counted=False),
    ),
    "All.",
)
REPORT = Report(
    "a.png", "00ff", 3, "image/png", 2, 1, VERDICT, (MISSED, FOUND, SKIPPED), {"decode": 0.0123456}
)


def test_a_report_is_ready_for_json():
    assert json.loads(json.dumps(REPORT.to_dict())) == {
        "schema": SCHEMA,
        "name": "a.png",
        "sha256": "00ff",
        "bytes": 3,
        "media_type": "image/png",
        "width": 2,
        "height": 1,
        "verdict": {
            "outcome": "verified",
            "origin": "generated",
            "headline": "It is.",
            "because": ["watermark.found"],
            "advice": "Go.",
            "result": "generated",
            "probability": 0.9,
            "interval95": [0.8, 0.95],
            "prior": 0.5,
            "contradictions": [
                {"code": "c", "sentence": "No.", "between": ["a", "b"], "decisive": True}
            ],
            "reasons": [
                {
                    "code": "watermark.found",
                    "sentence": "It is.",
                    "counted": True,
                    "weight": {
                        "ratio": 9.0,
                        "interval95": [5.0, 20.0],
                        "generated": 100,
                        "others": 200,
                    },
                },
                {"code": "x", "sentence": "So.", "counted": False, "weight": None},
            ],
            "coverage": "All.",
        },
        "evidence": [MISSED.to_dict(), FOUND.to_dict(), SKIPPED.to_dict()],
        "timings_ms": {"decode": 12.35},
    }
    assert json.loads(json.dumps(FOUND.to_dict())) == {
        "source": "watermark",
        "code": "watermark.found",
        "status": "verified",
        "explanation": "Found.",
        "advice": "Nothing to do.",
        "origin": "generated",
        "score": 0.5,
        "false_positive_rate": 1e-9,
        "details": {"payload": "00"},
        "boxes": [],
        "weight": None,
        "heat": [],
    }
    assert json.loads(json.dumps(LOOKS.to_dict())) == {
        **LOOKS.to_dict(),
        "boxes": [{"left": 1, "top": 2, "right": 3, "bottom": 4, "label": "hand", "score": None}],
        "heat": [[0.0, 1.0]],
    }


def test_evidence_is_found_by_its_source():
    assert REPORT.find("watermark") == (FOUND,)
    assert REPORT.find("nothing") == ()


def test_what_could_not_be_checked_is_listed():
    assert REPORT.unchecked == (SKIPPED,)


@pytest.mark.parametrize(
    ("thing", "name"), [(FOUND, "status"), (VERDICT, "outcome"), (REPORT, "verdict")]
)
def test_results_cannot_be_altered(thing, name):
    with pytest.raises(FrozenInstanceError):
        setattr(thing, name, "verified")


def test_absence_states_no_origin():
    assert MISSED.origin is Origin.UNKNOWN
    assert MISSED.false_positive_rate is None
