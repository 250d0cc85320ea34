"""The methods "dwtDct" and "dwtDctSvd" of invisible-watermark, for all blocks at once.

Bits are laid, one per 4×4 block of the first Haar approximation of OpenCV's U channel, into
whether the block's largest coefficient but the first ("dwtDct") or its largest singular value
("dwtDctSvd") lies in the upper or lower half of a step of 36. A picture is worked on a few rows
at a time, so that what is between input and output stays in the processor's cache.

Source: invisible-watermark 0.2.0 (MIT), behaviour reproduced, code our own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import TooSmall
from provenance.watermark.haar import Haar
from provenance.watermark.opencv_yuv import Converter
from provenance.watermark.singular import largest_singular

Method = Literal["dwtDct", "dwtDctSvd"]
Bits = NDArray[np.uint8]
Floats = NDArray[np.float64]

STEP = 36
SMALLEST_AREA = 256 * 256
"""Pixels; the package refuses smaller pictures."""

_STRIP = {"dwtDct": 1 << 18, "dwtDctSvd": 1 << 18}
"""Pixels worked on at once: few enough for the cache, enough blocks to keep each step long."""


class _Memory(threading.local):
    """What a thread keeps for its next picture: at most about 10 MB."""

    def __init__(self) -> None:
        self.colours = Converter()
        self.haar = Haar()


_MEMORY = _Memory()


def read_bits(pixels: NDArray[np.uint8], length: int, method: Method = "dwtDct") -> Bits:
    """What WatermarkDecoder("bits", length).decode returns for these RGB pixels."""
    return majority(block_votes(pixels, method), length)


def majority(votes: NDArray[np.bool_], length: int) -> Bits:
    """The bits that votes of blocks, in the package's order, agree on."""
    rounds, rest = divmod(votes.size, length)
    ones = votes[: rounds * length].reshape(-1, length).sum(axis=0)
    ones[:rest] += votes[rounds * length :]
    total = np.full(length, max(rounds, 1))
    total[:rest] = rounds + 1
    return np.asarray(ones / total * 255 > 127, np.uint8)


def block_votes(pixels: NDArray[np.uint8], method: Method) -> NDArray[np.bool_]:
    """The bit that each block holds, in the package's order."""
    rows, columns = (n // 8 * 8 for n in pixels.shape[:2])
    blocks = pixels[:rows, :columns]
    votes = [np.zeros(0, np.bool_)]
    if columns:
        for strip in _strips(rows, columns, method):
            u = _MEMORY.colours.u_of_rgb(blocks[strip])
            votes.append(_largest_votes(u) if method == "dwtDct" else _singular_votes(u))
    return np.concatenate(votes)


def write_bits(
    pixels: NDArray[np.uint8], bits: tuple[int, ...], method: Method = "dwtDct"
) -> NDArray[np.uint8]:
    """What WatermarkEncoder.encode returns for these RGB pixels.

    Raises:
        TooSmall: fewer than 256×256 pixels.
    """
    height, width = pixels.shape[:2]
    if height * width < SMALLEST_AREA:
        raise TooSmall(f"picture is {width}×{height}; this mark needs 256×256 pixels")
    result = np.empty(pixels.shape, np.uint8)
    wanted = np.resize(np.array(bits, np.float64), (height // 8, width // 8))
    quantise = _quantise_largest if method == "dwtDct" else _quantise_singular
    colours, haar = _MEMORY.colours, _MEMORY.haar
    for strip in _strips(height, width, method):
        yuv = colours.from_rgb(pixels[strip])
        rows, columns = (n // 4 * 4 for n in yuv.u.shape)
        plane = yuv.u[:rows, :columns]
        near = haar.analyse(plane)
        bits_here = wanted[strip.start // 8 :][: rows // 8]
        if bits_here.size:
            quantise(near, bits_here)
        haar.synthesise(plane)
        colours.to_rgb(yuv, result[strip])
    return result


def _strips(height: int, width: int, method: Method) -> Iterator[slice]:
    """Whole blocks of rows."""
    step = max(8, _STRIP[method] // width // 8 * 8)
    for start in range(0, height, step):
        yield slice(start, start + step)


def _largest_votes(u: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Whole-number sums of 2×2 pixels, twice the coefficients, decide all but the limits."""
    sums = u[0::2] + u[1::2]
    sums = sums[:, 0::2] + sums[:, 1::2]
    rows, columns = sums.shape[0] // 4, sums.shape[1] // 4
    sums[0::4, 0::4] = 0
    most = sums.reshape(rows, 4, -1).max(axis=1)
    largest = np.maximum(
        np.maximum(most[:, 0::4], most[:, 1::4]), np.maximum(most[:, 2::4], most[:, 3::4])
    ).ravel()
    votes = largest % (2 * STEP) > STEP
    # On a limit, the package's answer hangs on the last bit of its sums of rounded products.
    close = np.flatnonzero(largest % STEP == 0)
    if close.size:
        row, column = np.divmod(close, columns)
        blocks = u.reshape(rows, 8, columns, 8)[row, :, column]
        near = Haar().analyse(blocks.reshape(-1, 8)).reshape(-1, 16)
        votes[close] = near[:, 1:].max(axis=1) % STEP > STEP / 2
    return np.asarray(votes)


def _singular_votes(u: NDArray[np.int16]) -> NDArray[np.bool_]:
    return np.asarray(largest_singular(_planes(Haar().analyse(u)))[0] % STEP > STEP / 2)


def _planes(near: Floats) -> Floats:
    """4×4×n: entry by entry of all blocks."""
    rows, columns = near.shape[0] // 4, near.shape[1] // 4
    blocks = near[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4)
    return np.ascontiguousarray(blocks.transpose(1, 3, 0, 2)).reshape(4, 4, -1)


def _quantised(values: Floats, bits: Floats) -> Floats:
    """The middle of the half of a step that stands for the bit; `values` are not negative."""
    steps = np.floor(values * (1 / STEP))
    steps -= steps * STEP > values
    steps += (steps + 1) * STEP <= values
    return np.asarray((steps + 0.25 + 0.5 * bits) * STEP)


def _quantise_largest(near: Floats, bits: Floats) -> None:
    """The first of the largest coefficients goes to the middle of its half step.

    Of positive floats the bits, read as whole numbers, are in the same order. From 2 to 2^17 they
    begin alike, which leaves room behind them for the place: early places count as larger.
    Coefficients lie between, for U does.
    """
    rows, columns = bits.shape
    keys = near[: rows * 4, : columns * 4].view(np.int64) << 4
    keys.reshape(rows, 4, -1)[...] |= np.tile(15 - np.arange(16).reshape(4, 4), columns)
    keys[0::4, 0::4] = 0  # the first coefficient carries nothing
    most = keys.reshape(rows, 4, -1).max(axis=1)
    most = np.maximum(
        np.maximum(most[:, 0::4], most[:, 1::4]), np.maximum(most[:, 2::4], most[:, 3::4])
    )
    place = 15 - (most & 15)
    width = near.shape[1]
    place = (place >> 2) * width + (place & 3)
    place += np.arange(0, columns * 4, 4)
    place += np.arange(0, rows * 4 * width, 4 * width)[:, None]
    flat = near.reshape(-1)
    flat[place] = _quantised(flat.take(place), bits)


def _quantise_singular(near: Floats, bits: Floats) -> None:
    rows, columns = bits.shape
    size, left, right = largest_singular(_planes(near))
    left *= _quantised(size, bits.ravel()) - size
    for i in range(4):
        for j in range(4):
            near[i : rows * 4 : 4, j : columns * 4 : 4] += (left[i] * right[j]).reshape(bits.shape)
