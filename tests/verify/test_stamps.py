"""The public stamps of known pipelines: found with a rate, and never more than a claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.evidence import Origin, Status
from provenance.picture import Encoding, Picture
from provenance.verify.interface import Subject
from provenance.verify.stamps import StampCheck
from provenance.watermark.dwt_dct import write_bits
from provenance.watermark.stamps import STAMPS

PHOTO = Path(__file__).parents[2] / "examples" / "pictures" / "rocket.jpg"


def examined(pixels: np.ndarray):
    data = encode(Picture.from_array(pixels), Encoding("PNG")).data
    (evidence,) = StampCheck().examine(Subject(data, "image/png", Limits()))
    return evidence


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda s: s.name)
def test_each_stamp_is_named_with_its_rate(stamp):
    with Image.open(PHOTO) as image:
        pixels = np.asarray(image.convert("RGB"))
    evidence = examined(write_bits(pixels, stamp.bits, stamp.method))
    assert evidence.code == "stamps.found"
    assert evidence.status is Status.CLAIMED
    assert evidence.origin is Origin.GENERATED
    assert evidence.details["generator"] == stamp.name
    assert evidence.false_positive_rate is not None
    assert evidence.false_positive_rate < 1e-6


def test_nothing_found_says_nothing(scene):
    evidence = examined(scene)
    assert (evidence.code, evidence.status) == ("stamps.none", Status.ABSENT)
    assert evidence.origin is Origin.UNKNOWN


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_carry_no_stamp(level):
    assert examined(np.full((300, 300, 3), level, np.uint8)).code == "stamps.none"


def test_what_is_no_picture_is_not_checked():
    (evidence,) = StampCheck().examine(Subject(b"fLaC", "audio/flac", Limits()))
    assert evidence.status is Status.UNCHECKED


def test_no_real_photograph_carries_a_stamp(shared):
    pictures = sorted((shared / "corpus" / "real").glob("*.*"))[::8]
    assert len(pictures) > 50
    found = []
    for path in pictures:
        if path.suffix.lower() in {".heic", ".heif"}:
            continue
        evidence = examined(Picture.open(path).pixels)
        found += [path.name] if evidence.code == "stamps.found" else []
    assert found == []
