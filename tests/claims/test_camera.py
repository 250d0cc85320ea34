"""What a camera is said to have written."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from provenance.claims.camera import maker_note
from provenance.codec.limits import Limits
from provenance.evidence import Origin
from provenance.verify.claims import ClaimsCheck
from provenance.verify.headers import claims_of
from provenance.verify.interface import Subject
from tests.claims import files
from tests.conftest import make_scene

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


def test_an_editor_is_no_firmware():
    tags = {MAKE: "Canon", MODEL: "Canon EOS 5D", SOFTWARE: "Adobe Photoshop CS Windows"}
    camera, software = claims(tags, SHOT)
    assert "firmware" not in camera.details
    assert (software.family, software.generator) == ("software", "Adobe Photoshop CS Windows")


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


# The thumbnail


def photograph(pixels: np.ndarray, thumbnail: np.ndarray | None, orientation: int = 1) -> bytes:
    """A JPEG with EXIF of a camera, and a thumbnail."""

    def encoded(array: np.ndarray) -> bytes:
        out = io.BytesIO()
        Image.fromarray(array).save(out, "JPEG", quality=90)
        return out.getvalue()

    small = encoded(thumbnail) if thumbnail is not None else b""
    make, model = b"Canon\0", b"Canon EOS\0"
    at = 8 + 2 + 12 * 4 + 4
    exposure = at + len(make) + len(model)
    inner = exposure + 8
    second = inner + 2 + 12 + 4
    start = second + 2 + 24 + 4

    def directory(*entries: bytes, following: int = 0) -> bytes:
        return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        return struct.pack("<HHII", tag, kind, count, value)

    block = (
        b"II*\0\x08\0\0\0"
        + directory(
            entry(MAKE, 2, len(make), at),
            entry(MODEL, 2, len(model), at + len(make)),
            entry(0x0112, 3, 1, orientation),
            entry(0x8769, 4, 1, inner),
            following=second if small else 0,
        )
        + make
        + model
        + struct.pack("<II", 1, 100)
        + directory(entry(EXPOSURE, 5, 1, exposure))
        + directory(entry(0x0201, 4, 1, start), entry(0x0202, 4, 1, len(small)))
        + small
    )
    data = encoded(pixels)
    return data[:2] + files.segment(0xE1, b"Exif\0\0" + block) + data[2:]


def said(data: bytes):
    (evidence,) = ClaimsCheck().examine(Subject(data, "image/jpeg", Limits()))
    return evidence


def reduced(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def test_a_thumbnail_of_this_picture(scene):
    evidence = said(photograph(scene, reduced(scene, (120, 120))))
    assert evidence.details["thumbnail"] == "agrees with the picture"
    assert evidence.details["thumbnail_likeness"] > 0.98
    assert evidence.explanation == (
        "EXIF says that the picture was taken with a Canon EOS. Anybody can write this."
    )


def test_a_thumbnail_with_bars(scene):
    wide = scene[:340]
    small = np.zeros((120, 160, 3), np.uint8)
    small[7:113] = reduced(wide, (160, 106))
    assert said(photograph(wide, small)).details["thumbnail"] == "agrees with the picture"


def test_a_thumbnail_of_a_portrait_with_bars(scene):
    tall = np.ascontiguousarray(scene[:, :300])
    small = np.zeros((120, 160, 3), np.uint8)
    small[:, 45:115] = reduced(tall, (70, 120))
    assert said(photograph(tall, small)).details["thumbnail"] == "agrees with the picture"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_thumbnail_is_turned_like_its_picture(scene, orientation):
    stored = np.ascontiguousarray(scene[:400, :300])
    evidence = said(photograph(stored, reduced(stored, (90, 120)), orientation))
    assert evidence.details["thumbnail"] == "agrees with the picture"


def test_a_thumbnail_of_another_picture(scene):
    evidence = said(photograph(scene, reduced(make_scene(256, 256, seed=8)[::-1], (120, 120))))
    assert evidence.details["thumbnail"] == "differs from the picture"
    assert "and its thumbnail does not match it. Anybody" in evidence.explanation


def test_thumbnails_that_cannot_be_compared(scene):
    flat = np.full((120, 120, 3), 90, np.uint8)
    assert said(photograph(scene, flat)).details["thumbnail"] == "present"
    assert said(photograph(scene, None)).details["thumbnail"] == "absent"
    broken = photograph(scene, reduced(scene, (120, 120)))
    at = broken.index(b"\xff\xd8", 100)
    broken = broken[: at + 20] + b"\0" * 100 + broken[at + 120 :]
    assert said(broken).details["thumbnail"] == "present"
