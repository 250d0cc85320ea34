"""The fingerprint stays with the picture and differs between pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from provenance.picture import Picture
from provenance.watermark.fingerprint import BITS, SAME, distance, fingerprint
from provenance.watermark.interface import Payload
from provenance.watermark.tile import TileWatermarker


def picture(pixels: np.ndarray) -> Picture:
    return Picture(np.ascontiguousarray(pixels))


def test_edits_keep_it() -> None:
    photo = data.astronaut()
    own = fingerprint(picture(photo))
    smaller = np.asarray(Image.fromarray(photo).resize((300, 300)))
    brighter = np.clip(photo * 1.2, 0, 255).astype(np.uint8)
    marked = TileWatermarker(b"f" * 32).embed_array(photo, Payload(1))
    for edited in (smaller, brighter, marked):
        assert distance(own, fingerprint(picture(edited))) <= SAME // 2


def test_a_transplanted_mark_is_caught() -> None:
    marker = TileWatermarker(b"f" * 32)
    source = np.ascontiguousarray(data.astronaut())
    marked = marker.embed_array(source, Payload(1))
    target = np.asarray(Image.fromarray(data.chelsea()).resize((512, 512)))
    moved = np.clip(target + (marked.astype(int) - source), 0, 255).astype(np.uint8)
    assert marker.extract_array(moved).payload == Payload(1)
    recorded = fingerprint(picture(marked))
    assert distance(recorded, fingerprint(picture(moved))) > SAME


@pytest.mark.parametrize("shape", [(1, 1), (1, 77), (5, 3), (31, 33), (640, 32)])
def test_any_size(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert 0 <= fingerprint(picture(pixels)) < 1 << BITS
