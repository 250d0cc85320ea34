"""The fixed marks that Stable Diffusion and FLUX pipelines stamp, read and written as they do.

Those pipelines use the invisible-watermark package with its method "dwtDct": bits are laid, one
per 4×4 block of the first Haar approximation of OpenCV's U channel, into whether the block's
largest coefficient lies in the upper or lower half of a step of 36. "dwtDctSvd" does the same
with the block's largest singular value. This module does both for all blocks at once.

A stamp is public: anyone can write it. It is evidence of origin only in the absence of an
adversary, and survives little (JPEG 90 removes most). The rate that comes with a reading is the
chance that a picture without the stamp agrees in as many bits.

Source: invisible-watermark 0.2.0 (MIT), behaviour reproduced, code our own; payloads from the
published pipelines named in `STAMPS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import TooSmall
from provenance.picture import Picture
from provenance.watermark import opencv_yuv

Method = Literal["dwtDct", "dwtDctSvd"]

STEP = 36.0
SMALLEST_AREA = 256 * 256
"""Pixels; the package refuses smaller pictures."""

_HAAR = 0.7071067811865476
Bits = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A payload that a known pipeline writes into every picture.

    Attributes:
        name: the pipeline.
        bits: the payload, as 0 and 1.
        method: of the package.
    """

    name: str
    bits: tuple[int, ...]
    method: Method = "dwtDct"


def _text(content: str) -> tuple[int, ...]:
    return tuple(np.unpackbits(np.frombuffer(content.encode(), np.uint8)).tolist())


def _number(value: int) -> tuple[int, ...]:
    """Digits as the pipelines take them: bin(value)[2:], which drops leading zeros."""
    return tuple(int(digit) for digit in f"{value:b}")


STAMPS = (
    Stamp("Stable Diffusion 1", _text("StableDiffusionV1")),
    Stamp("Stable Diffusion 2", _text("SDV2")),
    Stamp("Stable Diffusion XL", _number(0xB3EC907BB19E)),
    Stamp("FLUX.1", _number(0x2AFE879CF52E)),
)
"""CompVis/stable-diffusion and Stability-AI/stablediffusion scripts/txt2img.py; diffusers
pipelines/stable_diffusion_xl/watermark.py; black-forest-labs/flux util.py (46 bits: its 48 lose
two leading zeros)."""


@dataclass(frozen=True, slots=True)
class StampReading:
    """How well a picture agrees with one stamp.

    Attributes:
        stamp: the best agreeing one.
        matching: bits that agree.
        false_positive_rate: chance that an unstamped picture agrees in as many bits with any of
            the stamps tried; bits are taken as independent fair coins.
    """

    stamp: Stamp
    matching: int
    false_positive_rate: float

    @property
    def found(self) -> bool:
        """True when chance is below one in a million."""
        return self.false_positive_rate < LIMIT


LIMIT = 1e-6


def read_stamps(picture: Picture, stamps: tuple[Stamp, ...] = STAMPS) -> StampReading:
    """Compare a picture with every known stamp; never raises for a valid picture."""
    readings = []
    votes = {method: block_votes(picture.pixels, method) for method in {s.method for s in stamps}}
    for stamp in stamps:
        length = len(stamp.bits)
        if votes[stamp.method].size < length:
            readings.append(StampReading(stamp, 0, 1.0))
            continue
        read = _majority(votes[stamp.method], length)
        matching = int(np.sum(read == np.array(stamp.bits, np.uint8)))
        rate = min(1.0, len(stamps) * _at_least(matching, length))
        readings.append(StampReading(stamp, matching, rate))
    return min(readings, key=lambda r: r.false_positive_rate)


def _at_least(hits: int, trials: int) -> float:
    """Probability of `hits` or more heads in `trials` tosses."""
    return sum(math.comb(trials, k) for k in range(hits, trials + 1)) / 2.0**trials


def read_bits(pixels: NDArray[np.uint8], length: int, method: Method = "dwtDct") -> Bits:
    """What WatermarkDecoder("bits", length).decode returns for these RGB pixels."""
    return _majority(block_votes(pixels, method), length)


def write_bits(
    pixels: NDArray[np.uint8], bits: tuple[int, ...], method: Method = "dwtDct"
) -> NDArray[np.uint8]:
    """What WatermarkEncoder.encode returns for these RGB pixels.

    Raises:
        TooSmall: fewer than 256×256 pixels.
    """
    if pixels.shape[0] * pixels.shape[1] < SMALLEST_AREA:
        raise TooSmall(
            f"picture is {pixels.shape[1]}×{pixels.shape[0]}; this mark needs 256×256 pixels"
        )
    yuv = opencv_yuv.from_rgb(pixels)
    rows, columns = (n // 4 * 4 for n in pixels.shape[:2])
    plane = yuv[:rows, :columns, 1]
    near, across, down, both = _analyse(plane)
    blocks, shape = _blocks(near)
    wanted = np.array(bits, np.float64)[np.arange(len(blocks)) % len(bits)]
    if method == "dwtDct":
        _quantise_largest(blocks, wanted)
    else:
        _quantise_singular(blocks, wanted)
    height, width = shape[0] * 4, shape[1] * 4
    near[:height, :width] = (
        blocks.reshape(*shape, 4, 4).transpose(0, 2, 1, 3).reshape(height, width)
    )
    # The package hands the two detail bands to the inverse in the other order; so do we.
    plane[...] = _synthesise(near, down, across, both)
    return opencv_yuv.to_rgb(yuv)


def block_votes(pixels: NDArray[np.uint8], method: Method) -> NDArray[np.bool_]:
    """The bit that each block holds, in the package's order."""
    rows, columns = (n // 4 * 4 for n in pixels.shape[:2])
    if min(rows, columns) < 8:
        return np.zeros(0, np.bool_)
    blocks, _ = _blocks(_approximate(opencv_yuv.u_of_rgb(pixels[:rows, :columns])))
    if method == "dwtDct":
        flat = blocks.reshape(-1, 16)
        place = np.abs(flat[:, 1:]).argmax(axis=1) + 1
        values = np.abs(flat[np.arange(len(flat)), place])
    else:
        values = _largest_singular(blocks)[0]
    return np.asarray(values % STEP > 0.5 * STEP)


def _majority(votes: NDArray[np.bool_], length: int) -> Bits:
    turns = np.arange(votes.size) % length
    ones = np.bincount(turns, votes, minlength=length)
    total = np.maximum(np.bincount(turns, minlength=length), 1)
    return (ones / total * 255 > 127).astype(np.uint8)


def _analyse(plane: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
    """One level of the Haar transform: approximation and three details, in PyWavelets' order."""
    values = plane.astype(np.float64)
    top, bottom = _HAAR * values[0::2], _HAAR * values[1::2]
    low, high = top + bottom, top - bottom
    return (
        _HAAR * low[:, 0::2] + _HAAR * low[:, 1::2],
        _HAAR * high[:, 0::2] + _HAAR * high[:, 1::2],
        _HAAR * low[:, 0::2] - _HAAR * low[:, 1::2],
        _HAAR * high[:, 0::2] - _HAAR * high[:, 1::2],
    )


_SCALED = _HAAR * np.arange(256.0)


def _approximate(plane: NDArray[np.uint8]) -> Floats:
    """Only the approximation of `_analyse`."""
    low = _SCALED[plane[0::2]]
    low += _SCALED[plane[1::2]]
    low *= _HAAR
    return np.asarray(low[:, 0::2] + low[:, 1::2])


def _synthesise(near: Floats, across: Floats, down: Floats, both: Floats) -> Floats:
    """The inverse of `_analyse`."""
    rows, columns = near.shape
    low, high = np.empty((rows, 2 * columns)), np.empty((rows, 2 * columns))
    low[:, 0::2] = _HAAR * near + _HAAR * down
    low[:, 1::2] = _HAAR * near - _HAAR * down
    high[:, 0::2] = _HAAR * across + _HAAR * both
    high[:, 1::2] = _HAAR * across - _HAAR * both
    result = np.empty((2 * rows, 2 * columns))
    result[0::2] = _HAAR * low + _HAAR * high
    result[1::2] = _HAAR * low - _HAAR * high
    return result


def _blocks(near: Floats) -> tuple[Floats, tuple[int, int]]:
    rows, columns = near.shape[0] // 4, near.shape[1] // 4
    tiles = near[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiles).reshape(-1, 4, 4), (rows, columns)


def _quantise_largest(blocks: Floats, bits: Floats) -> None:
    flat = blocks.reshape(-1, 16)
    index = np.arange(len(flat))
    place = np.abs(flat[:, 1:]).argmax(axis=1) + 1
    values = flat[index, place]
    size = (np.abs(values) // STEP + 0.25 + 0.5 * bits) * STEP
    flat[index, place] = np.where(values >= 0.0, size, -size)


def _quantise_singular(blocks: Floats, bits: Floats) -> None:
    size, left, right = _largest_singular(blocks)
    change = (size // STEP + 0.25 + 0.5 * bits) * STEP - size
    blocks += change[:, None, None] * left[:, :, None] * right[:, None, :]


def _largest_singular(blocks: Floats) -> tuple[Floats, Floats, Floats]:
    """Largest singular value of every 4×4 block, with its left and right vectors.

    The package takes them of the block's cosine transform, which is a rotation and changes
    neither the value nor the outcome. Squaring the Gram matrix makes the largest value dominate;
    blocks where two values are too close for that go to LAPACK.
    """
    gram = np.matmul(blocks.transpose(0, 2, 1), blocks)
    power = gram / np.maximum(np.trace(gram, axis1=1, axis2=2), 1e-300)[:, None, None]
    for _ in range(5):
        power = np.matmul(power, power)
        power /= np.maximum(np.trace(power, axis1=1, axis2=2), 1e-300)[:, None, None]
    column = np.einsum("nii->ni", power).argmax(axis=1)
    right = power[np.arange(len(power)), :, column]
    right /= np.maximum(np.linalg.norm(right, axis=1), 1e-300)[:, None]
    turned = np.einsum("nij,nj->ni", blocks, right)
    size = np.linalg.norm(turned, axis=1)
    left = turned / np.maximum(size, 1e-300)[:, None]
    residual = np.einsum("nji,nj->ni", blocks, left) - size[:, None] * right
    unsure = np.flatnonzero(np.abs(residual).max(axis=1) > 1e-10 * np.maximum(size, 1e-9))
    if unsure.size:
        u, s, v = np.linalg.svd(blocks[unsure])
        size[unsure], left[unsure], right[unsure] = s[:, 0], u[:, :, 0], v[:, 0, :]
    return size, left, right
