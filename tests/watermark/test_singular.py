"""Largest singular values of many blocks, against LAPACK."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.watermark.singular import largest_singular


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 120.0])
def test_equals_lapack(spread: float) -> None:
    rng = np.random.default_rng(1)
    blocks = 256 + spread * rng.standard_normal((4, 4, 500))
    size, left, right = largest_singular(blocks.copy())
    u, s, v = np.linalg.svd(blocks.transpose(2, 0, 1))
    assert np.allclose(size, s[:, 0], rtol=1e-12)
    outer = left[:, None] * right[None]
    wanted = (u[:, :, :1] * v[:, :1, :]).transpose(1, 2, 0)
    assert np.allclose(outer, wanted, atol=1e-9)


def test_values_that_are_close_are_still_exact() -> None:
    turned = np.eye(4)[[1, 0, 3, 2]] * [[100.0], [99.9], [3.0], [2.0]]
    blocks = np.stack([turned, turned.T, np.full((4, 4), 34.0)], axis=-1)
    size, left, right = largest_singular(blocks)
    assert size == pytest.approx([100, 100, 136], rel=1e-12)
    for i in range(3):
        assert np.allclose(blocks[:, :, i] @ right[:, i], size[i] * left[:, i])
