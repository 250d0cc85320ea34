"""Finding: regions become rectangles that lie in the picture, whatever the network says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from provenance.detect.text.find import LONG, SHORT, prepared, reading_order, regions
from provenance.detect.text.interface import Line

MAPS = arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    elements=st.floats(0, 1, width=32),
)


def page(height: int = 100, width: int = 200) -> np.ndarray:
    return np.zeros((height, width), np.float32)


def test_a_bar_becomes_a_level_line_that_is_larger_than_it():
    chances = page()
    chances[40:50, 30:130] = 0.9
    (line,) = regions(chances, 1.0)
    assert line.angle == 0.0
    assert line.centre == pytest.approx((80, 45), abs=1)
    assert 100 < line.width < 125
    assert 10 < line.height < 30
    assert line.score == pytest.approx(0.9)


def test_places_are_those_of_the_picture_and_not_of_the_network():
    chances = page()
    chances[40:50, 30:130] = 0.9
    (line,) = regions(chances, 2.0)
    assert line.centre == pytest.approx((40, 22.5), abs=1)


def test_a_sloping_bar_keeps_its_slope():
    y, x = np.mgrid[0:100, 0:200]
    slope = math.radians(15)
    along = (x - 100) * math.cos(slope) + (y - 50) * math.sin(slope)
    across = (y - 50) * math.cos(slope) - (x - 100) * math.sin(slope)
    chances = ((abs(along) < 60) & (abs(across) < 6)).astype(np.float32)
    (line,) = regions(chances, 1.0)
    assert line.angle == pytest.approx(slope, abs=0.03)
    assert line.height < 40


def test_weak_and_tiny_regions_are_left_out():
    chances = page()
    chances[10:20, 10:60] = 0.4
    chances[50:52, 50:52] = 0.9
    assert regions(chances, 1.0) == []


def test_a_cut_out_sloping_line_is_level():
    image = Image.new("RGB", (200, 200), "white")
    for step in range(-60, 61):
        x, y = 100 + round(step * 0.9), 100 + round(step * 0.436)
        image.paste("black", (x - 2, y - 2, x + 3, y + 3))
    cut = Line((100, 100), 100, 20, math.atan2(0.436, 0.9), 1.0).cut(image)
    rows = (np.asarray(cut.convert("L")) < 128).any(axis=1)
    assert cut.size == (100, 20)
    assert rows.sum() <= 10


@given(MAPS, st.floats(0.1, 4))
def test_any_map_gives_boxes_inside_the_picture(chances, scale):
    size = (max(1, int(chances.shape[1] / scale)), max(1, int(chances.shape[0] / scale)))
    for line in regions(chances, scale):
        box = line.box(size)
        assert 0 <= box.left < box.right <= size[0]
        assert 0 <= box.top < box.bottom <= size[1]
        assert min(line.cut(Image.new("RGB", size)).size) >= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_any_size_becomes_whole_blocks_within_the_limit(width, height):
    shown, scale = prepared(Image.new("RGB", (width, height)))
    assert shown.width % 32 == shown.height % 32 == 0
    assert max(shown.size) <= LONG
    assert width * scale <= shown.width + 0.5
    assert height * scale <= shown.height + 0.5


def test_small_pictures_are_enlarged():
    assert prepared(Image.new("RGB", (256, 256)))[0].size == (SHORT, SHORT)


def test_reading_order_is_rows_from_the_top_and_then_from_the_left():
    def at(x: float, y: float) -> Line:
        return Line((x, y), 50, 20, 0.0, 1.0)

    first, second, third = at(10, 12), at(100, 10), at(10, 60)
    assert reading_order([third, second, first]) == (first, second, third)
