"""Regions: points go out of a crop to where they were, and overlaps are symmetric."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provenance.detect.hands.consistency import spread
from provenance.detect.hands.find import distinct, overlap
from provenance.detect.hands.geometry import Region, around, turned

angles = st.floats(-np.pi, np.pi)
places = st.floats(-500, 500)
sides = st.floats(1, 2000)


@given(angles)
def test_turning_back_undoes_turning(angle):
    assert np.allclose(turned(angle) @ turned(-angle), np.eye(2))


@given(places, places, angles, sides)
def test_the_middle_of_a_crop_is_the_middle_of_its_region(x, y, angle, side):
    (point,) = Region(x, y, angle, side).outside(np.array([[112.0, 112.0]]), 224)
    assert np.allclose(point, [x, y])


@given(places, places, angles, sides, places, places)
def test_a_point_comes_back_from_a_crop(x, y, angle, side, far, high):
    region = Region(x, y, angle, side)
    inner = region.inside(np.array([[far, high]]), 224)
    assert np.allclose(region.outside(inner, 224), [[far, high]], atol=1e-6)


@given(places, places, angles, sides)
def test_a_crop_keeps_proportions(x, y, angle, side):
    ends = Region(x, y, angle, side).outside(np.array([[0.0, 0.0], [224.0, 0.0]]), 224)
    assert np.isclose(np.linalg.norm(ends[1] - ends[0]), side)


def test_a_point_that_is_drawn_is_found_in_the_crop():
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[78:82, 158:162] = 255
    region = Region(140, 100, 0.5, 120)
    crop = np.asarray(region.crop(Image.fromarray(pixels), 240))[..., 0].astype(float)
    rows, columns = np.mgrid[0:240, 0:240] + 0.5
    seen = np.array([[(crop * columns).sum(), (crop * rows).sum()]]) / crop.sum()
    assert np.allclose(region.outside(seen, 240), [[160, 80]], atol=0.5)


def test_a_large_region_is_made_smaller_first():
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    crop = Region(600, 600, 0.0, 1200).crop(Image.fromarray(noise), 100)
    assert np.asarray(crop).std() < 20


@given(st.integers(0, 2**32 - 1), angles)
def test_a_region_holds_all_points_and_turns_with_them(seed, angle):
    points = np.random.default_rng(seed).uniform(0, 100, (21, 2))
    one = around(points)
    two = around(points @ turned(angle).T)
    assert np.isclose(one.side, two.side)
    inner = (points - [one.x, one.y]) @ turned(one.angle)
    assert (np.abs(inner) <= one.side / 2).all()


def test_points_that_are_all_the_same_make_a_region():
    assert around(np.zeros((21, 2))).side > 0


boxes = st.tuples(places, places, sides, sides).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(one, two):
    assert overlap(one, two) == overlap(two, one)
    assert 0 <= overlap(one, two) <= 1 + 1e-6
    assert overlap(one, one) == 1 or np.isclose(overlap(one, one), 1)


def test_the_surest_of_one_palm_is_kept():
    from provenance.detect.hands.find import Palm

    region = Region(0, 0, 0, 1)
    palms = [Palm(0.6, (0, 0, 10, 10), region), Palm(0.9, (2, 2, 8, 8), region),
             Palm(0.7, (50, 50, 60, 60), region)]  # fmt: skip
    assert [p.score for p in distinct(palms)] == [0.9, 0.7]


@given(st.integers(0, 2**32 - 1))
def test_runs_that_agree_have_no_spread(seed):
    points = np.tile(np.random.default_rng(seed).uniform(0, 100, (1, 21, 2)), (8, 1, 1))
    found = spread(points, np.ones(8))
    assert found.turned == found.mirrored == found.tip == 0
    assert found.presence == 1


def test_one_run_that_differs_shows():
    points = np.tile(np.random.default_rng(1).uniform(0, 100, (1, 21, 2)), (8, 1, 1))
    points[6] += 30
    found = spread(points, np.ones(8))
    assert found.turned == 0 < found.mirrored
