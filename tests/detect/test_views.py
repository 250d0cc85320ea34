"""Whatever the picture's size and shape, the detector sees the same kind of squares."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detect.backbone import SIDE
from provenance.detect.views import CROPS, HARDER, SHRUNK, compressed, middle, views, with_side
from provenance.picture import Picture


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 3000), (3000, 2), (64, 64), (224, 300), (256, 256), (700, 1100), (2500, 1300)],
)
def test_five_squares_of_every_shape(shape):
    rng = np.random.default_rng(1)
    seen = views(Picture.from_array(rng.integers(0, 256, (*shape, 3), np.uint8)))
    assert [view.size for view in seen] == [(SIDE, SIDE)] * 5
    assert {view.mode for view in seen} == {"RGB"}
    assert len(seen[CROPS]) == 3


def test_a_very_long_picture_costs_no_more_than_a_square(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        "provenance.detect.views.compressed",
        lambda image, quality: sizes.append(image.size) or compressed(image, quality),
    )
    views(Picture.from_array(np.zeros((2, 20000, 3), np.uint8)))
    assert max(max(size) for size in sizes) <= 1024


def test_the_harder_view_shows_the_same_with_less_detail():
    rng = np.random.default_rng(2)
    seen = views(Picture.from_array(rng.integers(0, 256, (400, 400, 3), np.uint8)))
    shrunk, harder = np.asarray(seen[SHRUNK], float), np.asarray(seen[HARDER], float)
    assert 0 < np.abs(shrunk - harder).mean() < 30


def test_scaling_keeps_the_aspect():
    picture = Picture.from_array(np.zeros((300, 600, 3), np.uint8)).to_pil()
    assert with_side(picture, 256).size == (512, 256)
    assert middle(with_side(picture, 256)).size == (SIDE, SIDE)
    assert compressed(picture, 80, "WEBP").size == (600, 300)
