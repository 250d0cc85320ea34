"""What is blurred cannot be made out again, and a placeholder shows nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.moderate.interface import Region
from provenance.moderate.redact import blurred, placeholder
from provenance.picture import Encoding, Metadata, Picture


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 400), (400, 1), (3, 2), (12, 12), (500, 333)], ids=str
)
def test_every_size_can_be_blurred_and_replaced(size):
    picture = Picture.from_array(noise(*size))
    for made in (blurred(picture), placeholder(picture)):
        assert (made.height, made.width) == size


def test_what_is_left_of_a_picture_is_twelve_blocks_of_it():
    """Two pictures with the same averages become the same: what told them apart is lost."""
    rng = np.random.default_rng(3)
    one = np.kron(rng.integers(60, 190, (12, 12, 3)), np.ones((32, 32, 1)))
    waves = 50 * np.sin(2 * np.pi * np.arange(384) / 16)[None, :, None]
    first = blurred(Picture.from_array(one.astype(np.uint8))).pixels
    second = blurred(Picture.from_array(np.rint(one + waves).astype(np.uint8))).pixels
    assert np.abs(first.astype(int) - second).max() <= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_sharpened_blur_has_no_likeness_in_its_detail(seed):
    source = noise(240, 240, seed)
    out = blurred(Picture.from_array(source)).pixels.astype(float)
    # The best linear sharpening: every frequency of the output at the strength of the input.
    spectrum = np.fft.fft2(out.mean(axis=2))
    want = np.fft.fft2(source.mean(axis=2).astype(float))
    restored = np.fft.ifft2(spectrum / np.maximum(np.abs(spectrum), 1e-9) * np.abs(want)).real
    low = np.kron(source.mean(axis=2).reshape(12, 20, 12, 20).mean(axis=(1, 3)), np.ones((20, 20)))
    detail = source.mean(axis=2) - low
    assert abs(np.corrcoef(restored.ravel(), detail.ravel())[0, 1]) < 0.1


def test_only_the_boxes_and_a_margin_are_touched():
    source = noise(200, 200)
    out = blurred(Picture.from_array(source), [Region(50, 50, 100, 100)]).pixels
    changed = np.any(out != source, axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows[0], rows[-1] + 1) == (45, 105)
    assert (columns[0], columns[-1] + 1) == (45, 105)


@pytest.mark.parametrize(
    "box",
    [
        (10, 10, 10, 20),
        (20, 10, 10, 20),
        (-50, -50, -10, -10),
        (300, 300, 400, 400),
        (math.nan, 0, 10, 10),
        (0, 0, math.inf, 10),
    ],
)
def test_a_box_that_is_none_blurs_all(box):
    picture = Picture.from_array(noise(200, 200))
    out = blurred(picture, [Region(100, 100, 150, 150), Region(*box)])
    assert np.array_equal(out.pixels, blurred(picture).pixels)


def test_a_box_over_the_edge_is_cut_to_the_picture():
    picture = Picture.from_array(noise(64, 64))
    out = blurred(picture, [Region(-100, -100, 1000, 1000)])
    assert np.array_equal(out.pixels, blurred(picture).pixels)


side = st.one_of(st.integers(-300, 300), st.floats(allow_nan=True, allow_infinity=True))


@given(st.lists(st.tuples(side, side, side, side), max_size=4))
def test_no_boxes_whatever_leave_a_picture_as_it_was(boxes):
    picture = Picture.from_array(noise(40, 60))
    out = blurred(picture, [Region(*box) for box in boxes])
    assert out.pixels.shape == picture.pixels.shape
    assert not np.array_equal(out.pixels, picture.pixels)


def test_metadata_goes_since_it_may_hold_a_preview():
    picture = Picture(noise(30, 30), metadata=Metadata(exif=b"secret", text={"a": "b"}))
    assert blurred(picture).metadata == Metadata()
    assert placeholder(picture).metadata == Metadata()


def test_transparency_loses_its_detail_and_gray_stays_gray():
    alpha = noise(240, 240)[..., 0]
    picture = Picture(noise(240, 240), alpha=alpha)
    assert blurred(picture).alpha.std() < 0.1 * alpha.std()
    gray = Picture(np.repeat(noise(64, 64)[..., :1], 3, axis=2), gray=True)
    out = blurred(gray)
    assert out.gray
    assert np.array_equal(out.pixels[..., 0], out.pixels[..., 2])


def test_a_placeholder_depends_on_nothing_but_the_size():
    one, two = (placeholder(Picture.from_array(noise(100, 300, seed))) for seed in (1, 2))
    assert np.array_equal(one.pixels, two.pixels)
    assert (one.alpha, one.notes) == (None, ())


def test_a_placeholder_is_written_like_the_picture():
    encoding = Encoding("JPEG", quality=88, subsampling="4:2:0")
    assert placeholder(Picture(noise(64, 64), encoding=encoding)).encoding == encoding
