"""Claims become evidence that never verifies."""

from __future__ import annotations

import json

from PIL.TiffImagePlugin import IFDRational

from provenance.claims.iptc import packet
from provenance.codec.limits import Limits
from provenance.evidence import Origin, Status
from provenance.sign.interface import SourceType
from provenance.verify.claims import ClaimsCheck
from provenance.verify.interface import Subject
from tests import signed
from tests.claims import files

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


def test_prompts_are_in_the_details_and_not_in_the_sentence():
    (found,) = claims(signed.png(("parameters", PARAMETERS)))
    assert found.details["generation"]["prompt"] == "a cat"
    assert found.details["generator"] == "Stable Diffusion web UI v1.9.0"
    assert "cat" not in found.explanation
    json.dumps(found.to_dict(), allow_nan=False)


def test_texts_cannot_write_to_the_terminal():
    text = "a\nSteps: 1, Seed: 1, Version: v1\x1b[31m\u202egnp"
    (found,) = claims(signed.png(("parameters", text)))
    assert found.explanation.isprintable()


def test_labels_come_first_and_cameras_last():
    block = files.exif(
        {0x010F: "Canon", 0x0110: "EOS", 0x0131: "Ver.1.00"}, capture={0x829A: IFDRational(1, 10)}
    )
    data = files.png(
        files.chunk(b"eXIf", block.removeprefix(b"Exif\0\0")),
        files.text("Software", "darktable"),
        files.text("parameters", PARAMETERS),
    )
    found = claims(data)
    assert [e.code for e in found] == ["claims.a1111", "claims.camera", "claims.software"]
    assert [e.origin for e in found] == [Origin.GENERATED, Origin.OTHER, Origin.UNKNOWN]
    assert found[1].explanation == (
        "EXIF says that the picture was taken with a Canon EOS. Anybody can write this."
    )
    assert all(e.explanation.endswith("Anybody can write this.") for e in found)


def test_claims_of_files_whose_pixels_we_cannot_read():
    (evidence,) = claims(files.mp4({"AIGC": '{"Label": "1"}'}), "video/mp4")
    assert evidence.code == "claims.aigc"


def test_what_was_skipped_is_said():
    (evidence,) = claims(files.png(files.text("parameters", "a" * (5 << 20))))
    assert evidence.code == "claims.none"
    assert "not read" in evidence.details["skipped"][0]


def test_a_file_whose_metadata_we_cannot_read():
    (evidence,) = claims(b"%PDF-1.7", "application/pdf")
    assert evidence.code == "claims.unsupported"
    assert evidence.status is Status.UNCHECKED
