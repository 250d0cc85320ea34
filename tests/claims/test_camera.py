"""What a camera is said to have written."""

from __future__ import annotations

import pytest
from PIL.TiffImagePlugin import IFDRational

from provenance.claims.camera import maker_note
from provenance.evidence import Origin
from provenance.verify.headers import claims_of
from tests.claims import files

MAKE, MODEL, SOFTWARE = 0x010F, 0x0110, 0x0131
EXPOSURE, APERTURE, ISO, TAKEN, NOTE = 0x829A, 0x829D, 0x8827, 0x9003, 0x927C
SHOT = {
    EXPOSURE: IFDRational(1, 100),
    APERTURE: IFDRational(28, 10),
    ISO: 200,
    TAKEN: "2026:01:02 03:04:05",
}


def claims(tags: dict[int, object], capture: dict[int, object]):
    block = files.exif(tags, capture=capture)
    return files.claims(files.jpeg(files.segment(0xE1, block)))


def test_a_photograph():
    note = b"Nikon\0\2\x10\0\0"
    (claim,) = claims(
        {MAKE: "NIKON CORPORATION", MODEL: "NIKON D750", SOFTWARE: "Ver.1.10"}, SHOT | {NOTE: note}
    )
    assert (claim.family, claim.origin, claim.field) == ("camera", Origin.OTHER, "EXIF")
    assert claim.says == "was taken with a NIKON CORPORATION NIKON D750"
    assert claim.details["exposure"] == {"ExposureTime": 0.01, "FNumber": 2.8, "ISO": 200.0}
    assert claim.details["maker_note"] == "in the form of this maker"
    assert claim.details["taken"] == "2026:01:02 03:04:05"
    assert claim.details["firmware"] == "Ver.1.10"
    assert claim.details["thumbnail"] == "absent"
    assert claim.details["located"] is False


def test_the_make_is_not_said_twice():
    (claim,) = claims({MAKE: "Canon", MODEL: "Canon EOS 5D"}, SHOT)
    assert claim.says == "was taken with a Canon EOS 5D"


@pytest.mark.parametrize(
    ("tags", "capture"),
    [
        ({}, SHOT),
        ({MAKE: "Canon"}, SHOT),
        ({MODEL: "Canon EOS 5D"}, SHOT),
        ({MAKE: "Canon", MODEL: "Canon EOS 5D"}, {}),
        ({MAKE: "Canon", MODEL: "Canon EOS 5D"}, {ISO: 100, TAKEN: "2026:01:02 03:04:05"}),
        ({MAKE: "Prompt: {}", MODEL: "x"}, SHOT),
    ],
)
def test_without_equipment_or_exposure_there_is_no_camera(tags, capture):
    assert claims(tags, capture) == ()


def test_a_generator_is_no_camera():
    (claim,) = claims({MAKE: "Black Forest Labs", MODEL: "flux-dev"}, SHOT)
    assert claim.family == "flux"


@pytest.mark.parametrize(
    ("note", "make", "expected"),
    [
        (b"", "Canon", "absent"),
        (b"Apple iOS\0\0\1", "Apple", "in the form of this maker"),
        (b"FUJIFILM\x0c\0", "Canon", "in the form of another maker (fuji)"),
        (b"OLYMPUS\0II", "OM Digital Solutions", "in the form of this maker"),
        (b"AOC\0II", "RICOH IMAGING COMPANY, LTD.", "in the form of this maker"),
        (b"\x0c\0\1\0", "Canon", "in no form that is known here"),
    ],
)
def test_makers_notes(note, make, expected):
    assert maker_note(note, make) == expected


def test_no_photograph_of_the_corpus_has_the_notes_of_another_maker(shared):
    seen = 0
    for folder in ("real", "hands/real"):
        for path in sorted((shared / "corpus" / folder).iterdir()):
            for claim in claims_of(path):
                if claim.family == "camera":
                    seen += 1
                    assert "another" not in claim.details["maker_note"], path.name
    assert seen > 100
