"""A picture becomes the numbers that open_clip's and Hugging Face's own steps give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance import Picture
from provenance.embed.preprocess import Preprocess, over_white
from provenance.errors import ConfigError

SIGLIP = Preprocess(side=224, mean=(0.5,) * 3, std=(0.5,) * 3, fit="squash")


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.asarray(a), np.asarray(b)
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("steps", [Preprocess(), Preprocess(side=336), SIGLIP], ids=str)
def test_the_steps_of_open_clip(steps, examples):
    open_clip = pytest.importorskip("open_clip")
    theirs = open_clip.image_transform(
        steps.side,
        is_train=False,
        mean=steps.mean,
        std=steps.std,
        resize_mode="squash" if steps.fit == "squash" else "shortest",
    )
    for picture in examples:
        ours = steps([picture])[0]
        expected = theirs(Image.fromarray(picture.pixels)).numpy()
        assert ours.shape == expected.shape
        assert cosine(ours, expected) > 0.9999


@pytest.mark.parametrize(
    ("name", "steps"), [("CLIPImageProcessor", Preprocess()), ("SiglipImageProcessor", SIGLIP)]
)
def test_the_steps_of_transformers(name, steps, examples):
    transformers = pytest.importorskip("transformers")
    extra = {"resample": 3}
    theirs = getattr(transformers, name)(**extra)
    for picture in examples:
        found = theirs(Image.fromarray(picture.pixels), return_tensors="np")["pixel_values"]
        # An odd row that is left over goes to the other end there; test_parity compares embeddings.
        odd = steps.fit == "crop" and picture.width != picture.height
        assert cosine(steps([picture]), found) > (0.98 if odd else 0.999)


def test_a_huge_picture_is_reduced_first_and_stays_the_same(scene):
    pytest.importorskip("open_clip")
    import open_clip

    large = np.asarray(Image.fromarray(scene).resize((4800, 3600), Image.Resampling.BICUBIC))
    ours = Preprocess()([Picture.from_array(large)])[0]
    assert cosine(ours, open_clip.image_transform(224, False)(Image.fromarray(large))) > 0.999


def test_transparent_pictures_lie_on_white():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    shown = np.asarray(over_white(Picture.from_array(pixels)))
    assert (shown[:2] == 0).all()
    assert (shown[2:] == 255).all()


def test_gray_is_three_equal_channels():
    steps = Preprocess(mean=(0,) * 3, std=(1,) * 3)
    gray = steps([Picture.from_array(np.full((9, 5), 51, np.uint8))])
    assert np.allclose(gray, 0.2)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["crop", "squash"]))
def test_any_size_gives_the_square(height, width, fit):
    picture = Picture.from_array(np.full((height, width, 3), 255, np.uint8))
    found = Preprocess(side=32, mean=(0,) * 3, std=(1,) * 3, fit=fit)([picture])
    assert found.shape == (1, 3, 32, 32)
    assert np.allclose(found, 1)


@pytest.mark.parametrize("shape", [(1, 65_535, 3), (65_535, 1, 3)])
def test_a_line_of_pixels_takes_little_memory(shape):
    pixels = np.zeros(shape, np.uint8)
    pixels.reshape(-1, 3)[32_767] = 255
    found = Preprocess(mean=(0,) * 3, std=(1,) * 3)([Picture.from_array(pixels)])
    assert found[0, 0].max() > 0.9  # the middle is what is seen


def test_a_batch_is_its_pictures(examples):
    steps = Preprocess()
    assert np.array_equal(steps(examples)[1], steps(examples[1:2])[0])
    assert steps([]).shape == (0, 3, 224, 224)


def test_it_survives_json():
    assert Preprocess.from_dict(SIGLIP.to_dict()) == SIGLIP


@pytest.mark.parametrize(
    "change",
    [
        {"side": 0}, {"side": "224"}, {"side": 10**6}, {"std": [0, 1, 1]}, {"mean": [0.5]},
        {"mean": [float("nan")] * 3}, {"fit": "longest"}, {"filter": "random"}, {"mean": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_model_has_is_refused(change):
    with pytest.raises(ConfigError):
        Preprocess.from_dict({**SIGLIP.to_dict(), **change})
