"""Marks of invisible-watermark, bit for bit as the package writes and reads them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from provenance.errors import TooSmall
from provenance.watermark.dwt_dct import Method, block_votes, majority, read_bits, write_bits

Pixels = NDArray[np.uint8]
METHODS: tuple[Method, ...] = ("dwtDct", "dwtDctSvd")
BITS = (1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0) * 4 + (1, 1, 0)


def pictures() -> dict[str, Pixels]:
    """Photographs with sides of every remainder, and pictures at the edges of the arithmetic."""
    photo, rng = data.astronaut(), np.random.default_rng(0)
    made = {f"photo {h}×{w}": photo[:h, :w] for h, w in [(512, 512), (511, 403), (258, 510)]}
    made["a window"] = photo[3:402, 5:403]
    made["wide"] = np.concatenate([photo[:80]] * 3, axis=1)
    made["long"] = np.concatenate([photo] * 3)
    for rows in (2, 4, 9):  # beyond the last whole strip
        made[f"{rows} rows more"] = np.concatenate([photo] * 3)[: 2 * 512 + rows]
    made["noise"] = rng.integers(0, 256, (300, 301, 3), dtype=np.uint8)
    made["extremes"] = ((rng.random((300, 300, 3)) > 0.5) * 255).astype(np.uint8)
    for blue in (9, 18, 100, 126, 200):  # some lie on a limit between two bits
        made[f"flat {blue}"] = np.full((264, 300, 3), (blue, 100, blue + 40), np.uint8)
    return made


@pytest.fixture(scope="module", params=list(pictures()))
def picture(request: pytest.FixtureRequest) -> Pixels:
    return pictures()[request.param]


@pytest.mark.parametrize("method", METHODS)
def test_equals_the_package(picture: Pixels, method: Method) -> None:
    package = pytest.importorskip("imwatermark")
    encoder = package.WatermarkEncoder()
    encoder.set_watermark("bits", list(BITS))
    wanted = encoder.encode(np.ascontiguousarray(picture[..., ::-1]), method)[..., ::-1]
    written = write_bits(picture, BITS, method)
    assert np.array_equal(written, wanted)
    for pixels in (picture, written):
        decoder = package.WatermarkDecoder("bits", len(BITS))
        read = decoder.decode(np.ascontiguousarray(pixels[..., ::-1]), method)
        assert np.array_equal(read_bits(pixels, len(BITS), method), np.array(read))


@pytest.mark.parametrize("method", METHODS)
def test_reads_what_it_wrote(method: Method) -> None:
    written = write_bits(data.astronaut(), BITS, method)
    assert tuple(read_bits(written, len(BITS), method)) == BITS


@pytest.mark.parametrize("method", METHODS)
def test_large_pictures_are_worked_on_in_strips(method: Method) -> None:
    photo = data.astronaut()
    tall = np.concatenate([photo] * 6)
    parts = [block_votes(part, method) for part in np.split(tall, 6)]
    assert np.array_equal(block_votes(tall, method), np.concatenate(parts))
    assert tuple(read_bits(write_bits(tall, BITS, method), len(BITS), method)) == BITS


def test_the_picture_given_is_left_alone() -> None:
    photo = data.astronaut()
    before = photo.copy()
    photo.setflags(write=False)
    write_bits(photo, BITS)
    read_bits(photo, len(BITS))
    assert np.array_equal(photo, before)


def test_refuses_to_write_into_small_pictures() -> None:
    with pytest.raises(TooSmall, match="256×256"):
        write_bits(np.zeros((255, 256, 3), np.uint8), (0, 1))


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (7, 8), (8, 8)])
def test_small_pictures_hold_as_many_votes_as_blocks(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    for method in METHODS:
        assert block_votes(pixels, method).size == (shape[0] // 8) * (shape[1] // 8)


@pytest.mark.parametrize(("votes", "length"), [(0, 5), (3, 5), (5, 5), (13, 5), (200, 1)])
def test_every_bit_is_decided_by_its_own_votes(votes: int, length: int) -> None:
    cast = np.random.default_rng(votes).random(votes) > 0.5
    for place, bit in enumerate(majority(cast, length)):
        mine = cast[place::length]
        assert bit == (mine.size > 0 and mine.mean() * 255 > 127)
