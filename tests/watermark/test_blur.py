"""Blurs by bands against the same blurs by transform."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.watermark import plane
from provenance.watermark.plane import filters_for


@pytest.mark.parametrize("shape", [(512, 512), (300, 211), (40, 97), (33, 32)])
@pytest.mark.parametrize("sigma", [1.25, 2.0, 2.5])
def test_equals_the_blur_by_transform(shape: tuple[int, int], sigma: float) -> None:
    filters = filters_for(*shape)
    noise = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted = filters.crop(filters.back(filters.forward(noise), filters.gaussian(sigma)))
    assert np.allclose(filters.blurred(filters.padded(noise), sigma), wanted, atol=5e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (5, 3), (13, 200)])
def test_planes_smaller_than_the_window_are_blurred_too(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 7, np.float32)
    filters = filters_for(*shape)
    assert np.allclose(filters.blurred(filters.padded(flat), 2.0), flat, rtol=1e-5)
    assert plane.whiten(flat).plane.shape == shape
