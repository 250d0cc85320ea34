"""With the networks themselves, where they are on this machine: from pixels to evidence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from provenance.codec.limits import Limits
from provenance.detect.text.check import TextCheck
from provenance.detect.text.session import MODEL
from provenance.evidence import Evidence
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing
from provenance.weights.store import Store

FONT = ImageFont.load_default(size=40)


@pytest.fixture(scope="module")
def check() -> TextCheck:
    try:
        Store.standard().get(MODEL)
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    return TextCheck()


def examined(check: TextCheck, image: Image.Image) -> Evidence:
    out = io.BytesIO()
    image.save(out, "PNG")
    (evidence,) = check.examine(Subject(out.getvalue(), "image/png", Limits()))
    return evidence


def sign(*texts: str) -> Image.Image:
    page = Image.new("RGB", (640, 100 + 90 * len(texts)), (235, 228, 210))
    for row, text in enumerate(texts):
        ImageDraw.Draw(page).text((60, 60 + 90 * row), text, fill=(40, 30, 60), font=FONT)
    return page


def mixed(text: str, other: str) -> Image.Image:
    """The upper halves of one text over the lower halves of another, letter by letter."""
    page = sign("")
    x = 60
    for upper, lower in zip(text, other, strict=True):
        halves = []
        for letter in (upper, lower):
            tile = Image.new("L", (34, 60))
            ImageDraw.Draw(tile).text((4, 4), letter, fill=255, font=FONT)
            halves.append(np.asarray(tile))
        ink = np.where(np.arange(60)[:, None] < 30, halves[0], np.roll(halves[1], 3, axis=1))
        page.paste((40, 30, 60), (x, 60), Image.fromarray(ink.astype(np.uint8)))
        x += 30
    return page


def test_a_sign_is_read(check):
    evidence = examined(check, sign("Fresh bread", "Open daily"))
    assert evidence.code == "text.legible"
    assert evidence.details["texts"] == ["Fresh bread", "Open daily"]


@pytest.mark.parametrize("turn", list(Image.Transpose)[:5])
def test_a_sign_mirrored_or_turned_is_no_gibberish(check, turn):
    assert examined(check, sign("Fresh bread", "Open daily").transpose(turn)).boxes == ()


def test_letters_made_of_halves_are_gibberish_and_their_place_is_given(check):
    evidence = examined(check, mixed("RgSBaekmGQd", "yKWpXfTzEah"))
    assert evidence.code == "text.gibberish"
    (box,) = evidence.boxes
    assert box.left < 90 < 340 < box.right
    assert box.top < 80 < 90 < box.bottom


def test_a_small_picture_is_enlarged_before_it_is_searched(check):
    small = sign("Open daily").resize((213, 63), Image.Resampling.LANCZOS)
    assert examined(check, small).code == "text.legible"


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (4000, 3), (33, 31)])
def test_pictures_of_any_shape_are_examined(check, size):
    assert examined(check, Image.new("RGB", size, "teal")).code == "text.none"


def test_noise_and_gradients_are_no_text(check):
    random = np.random.default_rng(5)
    noise = Image.fromarray(random.integers(0, 256, (300, 400, 3), np.uint8))
    assert examined(check, noise).boxes == ()
    gradient = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (200, 1))).convert("RGB")
    assert examined(check, gradient).boxes == ()
