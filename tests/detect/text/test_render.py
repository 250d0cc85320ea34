"""Drawing parts of scenes: the ink stays in its place, and only grows fainter."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.text.render import enlarged, in_perspective, worn


def ink(width: int = 200, height: int = 40) -> Image.Image:
    page = Image.new("L", (width, height))
    ImageDraw.Draw(page).rectangle((10, 8, width - 10, height - 8), fill=255)
    return page


@pytest.mark.parametrize("seed", range(20))
def test_in_perspective_all_ink_is_kept_and_lies_on_the_plate(seed):
    plate, seen = in_perspective(ink(), np.random.default_rng(seed))
    assert seen.mode == "L" and seen.width >= 200 and seen.height >= 40
    shape = np.asarray(seen) > 128
    assert 0.4 < shape.sum() / (np.asarray(ink()) > 128).sum() < 1.1
    if plate is not None:
        assert plate.size == seen.size
        assert (np.asarray(plate)[shape] > 128).all()


@pytest.mark.parametrize("seed", range(20))
def test_worn_ink_is_fainter_and_never_gone(seed):
    before = np.asarray(ink())
    after = np.asarray(worn(ink(), np.random.default_rng(seed)))
    assert after.shape == before.shape
    assert 0.15 * before.mean() < after.mean() <= before.mean() + 1


def test_enlarging_keeps_the_size_and_softens():
    noise = np.random.default_rng(1).integers(0, 256, (90, 130, 3), np.uint8)
    page = Image.fromarray(noise)
    soft = enlarged(page, np.random.default_rng(2))
    assert soft.size == page.size
    assert np.asarray(soft).std() < noise.std()
