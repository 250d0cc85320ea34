"""Flat blocks tell what was drawn from what a camera saw."""

from __future__ import annotations

import numpy as np

from provenance.detect.graphics import described, flatness
from provenance.picture import Picture


def test_a_diagram_is_flat_and_noise_is_not():
    diagram = np.full((400, 600, 3), 240, np.uint8)
    diagram[100:200, 50:300] = (20, 60, 200)
    assert flatness(Picture.from_array(diagram)) > 0.9
    rng = np.random.default_rng(3)
    assert flatness(Picture.from_array(rng.integers(0, 256, (200, 300, 3), np.uint8))) == 0.0


def test_a_scene_is_mostly_not_flat(picture):
    assert flatness(picture) < 0.3


def test_a_picture_smaller_than_a_block_counts_as_flat():
    assert flatness(Picture.from_array(np.zeros((7, 300, 3), np.uint8))) == 1.0


def test_only_the_middle_of_a_large_picture_is_read():
    large = np.zeros((1200, 3000, 3), np.uint8)
    large[:, :900] = np.random.default_rng(4).integers(0, 256, (1200, 900, 3))
    assert flatness(Picture.from_array(large)) == 1.0


def test_a_picture_is_described_by_its_views_and_its_flatness():
    views = np.arange(5, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    found = described(views, 0.25)
    assert found.dtype == np.float32
    assert np.allclose(found, [1, 1, 1, 1, 0.25])  # the whole is 0, the crops are 1, 2 and 3
