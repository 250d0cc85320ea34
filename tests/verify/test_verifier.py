"""The verifier gathers; a check that breaks does not stop the others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest

from provenance.codec.limits import Limits
from provenance.errors import TooLarge, UnreadablePicture
from provenance.evidence import Evidence, Outcome, Status
from provenance.testing import FakeWatermarker
from provenance.verify.interface import Subject
from provenance.verify.verifier import Verifier
from provenance.watermark.interface import Payload
from tests import signed

CHECKS = ("credentials", "watermark", "stamps", "claims", "pixels", "hands", "text", "limbs")


class Broken:
    name = "broken"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        raise RuntimeError("with a secret")


class Seen:
    name = "seen"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        return (Evidence("seen", "seen.it", Status.ABSENT, "Seen."),)


def test_the_report_names_the_very_bytes():
    data = signed.encoded("JPEG").data
    report = Verifier.standard().verify(data, name="x.jpg")
    assert report.sha256 == hashlib.sha256(data).hexdigest()
    assert (report.name, report.size, report.media_type) == ("x.jpg", len(data), "image/jpeg")
    assert (report.width, report.height) == (64, 48)
    assert list(report.timings) == ["decode", *CHECKS]


def test_a_path_and_bytes_give_the_same_report(tmp_path):
    path = tmp_path / "a.jpg"  # a name that lies
    path.write_bytes(signed.signed().data)
    by_path, by_bytes = Verifier.standard().verify(path), Verifier.standard().verify(str(path))
    assert by_path.name == str(path)
    assert by_path.media_type == "image/png"
    assert by_path.evidence == by_bytes.evidence
    assert Verifier.standard().verify(signed.signed().data).name == "-"


def test_without_arguments_it_says_what_it_could_not_check():
    report = Verifier.standard().verify(signed.signed().data)
    assert report.unchecked[0].code == "watermark.no-key"
    assert report.verdict.outcome is Outcome.UNKNOWN


def test_every_check_speaks_in_its_place():
    marked = FakeWatermarker().embed(signed.drawing(), Payload(7))
    from provenance.codec.encode import encode
    from provenance.picture import Encoding

    data = encode(marked, Encoding()).data
    report = Verifier.standard(watermarkers=[FakeWatermarker()]).verify(data)
    assert [e.source for e in report.evidence] == [*CHECKS, "faces"]
    assert report.verdict.outcome is Outcome.VERIFIED
    assert report.find("watermark")[0].details["payload"] == Payload(7).hex


def test_a_broken_check_is_reported_and_the_others_go_on():
    report = Verifier([Broken(), Seen()]).verify(signed.encoded().data)
    first, second = report.evidence
    assert first.code == "broken.failed"
    assert first.status is Status.UNCHECKED
    assert "RuntimeError" in first.explanation
    assert "secret" not in json.dumps(report.to_dict())
    assert second.code == "seen.it"


def test_a_verifier_without_checks_verifies_nothing():
    assert Verifier([]).verify(signed.encoded().data).verdict.outcome is Outcome.UNKNOWN


def test_limits_hold_before_anything_is_decoded():
    data = signed.encoded().data
    with pytest.raises(TooLarge, match="max_bytes"):
        Verifier.standard(limits=Limits(max_bytes=len(data) - 1)).verify(data)
    with pytest.raises(TooLarge):
        Verifier.standard(limits=Limits(max_pixels=64 * 48 - 1)).verify(data)


def test_damaged_pixels_are_an_error_not_a_verdict():
    with pytest.raises(UnreadablePicture):
        Verifier.standard().verify(signed.signed().data[:200])


def test_files_that_are_not_pictures_are_examined_for_credentials():
    report = Verifier.standard().verify(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    assert report.media_type == "image/svg+xml"
    assert (report.width, report.height) == (None, None)
    assert report.find("credentials")[0].code == "credentials.none"
    assert {e.code for e in report.unchecked} == {
        "watermark.no-key",
        "stamps.no-pixels",
        "claims.unsupported",
        "pixels.no-pixels",
        "hands.no-pixels",
        "text.no-pixels",
        "limbs.not-checked",
        "faces.not-checked",
    }


def test_the_report_is_json():
    report = Verifier.standard(anchors=signed.anchors()).verify(signed.signed().data)
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert record["schema"] == "provenance.report/2"
    assert record["verdict"]["outcome"] == "verified"
    assert record["evidence"][0]["code"] == "credentials.trusted"
    assert set(record["timings_ms"]) == {"decode", *CHECKS}


def test_without_looks_the_pixels_are_not_judged():
    report = Verifier.standard(looks=False).verify(signed.signed().data)
    assert [e.source for e in report.evidence] == list(CHECKS[:4])


def test_the_verifier_of_a_configuration(config, verifier, pipeline, picture):
    asset = pipeline(picture)
    report = verifier.verify(asset.data)
    assert report.verdict.outcome is Outcome.VERIFIED
    assert report.verdict.because == (
        "credentials.trusted",
        "watermark.found",
        "recovery.issued",
    )
