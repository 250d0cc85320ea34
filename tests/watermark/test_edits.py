"""Edits that pictures meet: named, repeatable, and harmless to what they are given."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from provenance.errors import ConfigError
from provenance.watermark.edits import EDITS, chosen

PHOTO = data.chelsea()[:192, :230]


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_returns_pixels_and_can_be_repeated(name: str) -> None:
    pixels = PHOTO.copy()
    pixels.setflags(write=False)
    one, other = (EDITS[name](pixels, np.random.default_rng(5)) for _ in range(2))
    assert one.dtype == np.uint8
    assert one.ndim == 3
    assert one.shape[2] == 3
    assert np.array_equal(one, other)
    assert np.array_equal(pixels, PHOTO)
    same = one.shape == pixels.shape and np.array_equal(one, pixels)
    assert same == (name == "none")


def test_sizes_are_those_that_the_names_say() -> None:
    rng = np.random.default_rng(0)
    assert EDITS["resize-50"](PHOTO, rng).shape == (96, 115, 3)
    assert EDITS["rotate-90"](PHOTO, rng).shape == (230, 192, 3)
    area = np.prod(EDITS["crop-25"](PHOTO, rng).shape[:2]) / np.prod(PHOTO.shape[:2])
    assert area == pytest.approx(0.25, abs=0.01)
    assert max(EDITS["social"](PHOTO, rng).shape) == 1080


def test_families_and_names() -> None:
    assert list(chosen(["jpeg"])) == ["jpeg-90", "jpeg-75", "jpeg-50", "jpeg-30"]
    assert list(chosen(["flip", "social"])) == ["flip", "social", "social-twice"]
    assert list(chosen(["crop-50"])) == ["crop-50"]
    assert chosen(list(EDITS)) == EDITS


@pytest.mark.parametrize("name", ["", "jpg", "jpeg-", "JPEG"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ConfigError, match="there are none, jpeg-90"):
        chosen([name])
