"""Parameters in the lowest bits of pixels."""

from __future__ import annotations

import gzip
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from provenance.claims.fields import Fields
from provenance.claims.headers import Headers
from provenance.claims.readers import claims_in
from provenance.claims.stealth import stealth_texts
from provenance.codec.decode import decode
from provenance.picture import Picture

LINE = "a cat\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512, Model: m, Version: v1.9.0"
COMMENT = {"prompt": "a cat", "uc": "dog", "sampler": "k_euler", "steps": 28, "seed": 4}
NOVELAI = json.dumps({"Software": "NovelAI", "Source": "V4", "Comment": json.dumps(COMMENT)})


def written(text: str, mark: str, size: tuple[int, int] = (60, 90)) -> Picture:
    """A picture with the text in its lowest bits, column by column."""
    data = text.encode()
    if mark.endswith("comp"):
        data = gzip.compress(data)
    payload = mark.encode() + (8 * len(data)).to_bytes(4, "big") + data
    bits = np.unpackbits(np.frombuffer(payload, np.uint8))
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    alpha = np.full(size, 254, np.uint8)
    plane = pixels if "rgb" in mark else alpha[:, :, np.newaxis]
    flat = plane.transpose(1, 0, 2).reshape(-1).copy()
    flat[: bits.size] = flat[: bits.size] & 254 | bits
    plane = flat.reshape(size[1], size[0], -1).transpose(1, 0, 2)
    if "rgb" in mark:
        return Picture(np.ascontiguousarray(plane))
    return Picture(pixels, np.ascontiguousarray(plane[:, :, 0]))


def claims(picture: Picture):
    return claims_in(Fields(Headers(kind="PNG", width=90, height=60), stealth_texts(picture)))


@pytest.mark.parametrize(
    "mark", ["stealth_pnginfo", "stealth_pngcomp", "stealth_rgbinfo", "stealth_rgbcomp"]
)
def test_parameters_of_the_web_ui(mark):
    (claim,) = claims(written(LINE, mark))
    assert (claim.family, claim.field) == ("a1111", "Stealth text 'parameters'")
    assert claim.generation.seed == 1


def test_texts_of_novelai():
    (claim,) = claims(written(NOVELAI, "stealth_pngcomp"))
    assert (claim.family, claim.field) == ("novelai", "Stealth text 'Comment'")
    assert (claim.generation.model, claim.generation.seed) == ("V4", 4)


def test_the_file_of_novelai_says_the_same_twice(shared):
    data = (shared / "corpus" / "meta" / "sd-metadata__png_novelai-full.png").read_bytes()
    texts = dict(stealth_texts(decode(data)))
    assert texts["Software"] == "NovelAI"
    assert json.loads(texts["Comment"])["seed"] == 2043807047


def test_a_damaged_text_is_none():
    picture = written(LINE, "stealth_pngcomp")
    alpha = picture.alpha.copy()
    alpha[:, 3:] = 255
    assert stealth_texts(Picture(picture.pixels, alpha)) == ()


def test_ordinary_pictures_have_none_and_cost_next_to_nothing():
    picture = Picture(np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8))
    start = time.process_time()
    for _ in range(20):
        assert stealth_texts(picture) == ()
    assert (time.process_time() - start) / 20 < 0.005


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 60), st.just(3))))
def test_pixels_never_raise(pixels):
    assert stealth_texts(Picture(pixels)) == ()
