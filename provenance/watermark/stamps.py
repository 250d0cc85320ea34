"""The fixed marks that Stable Diffusion and FLUX pipelines stamp, read and written as they do.

Those pipelines use the invisible-watermark package with its method "dwtDct"; `dwt_dct` reads and
writes as it does.

A stamp is public: anyone can write it. It is evidence of origin only in the absence of an
adversary, and survives little (JPEG 90 removes most).

The rate that comes with a reading is the chance that a picture without the stamp agrees in as many
bits. Bits read from unmarked pictures are no fair coins: in most pictures nearly all are equal, so
they agree in as many as the stamp has ones, or noughts. The rate therefore takes the number of
ones that was read as given, and only their places as chance (Fisher 1935, the exact test);
models/watermark/evaluate_stamps.py holds it against photographs.

Source: payloads from the published pipelines named in `STAMPS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from provenance.picture import Picture
from provenance.watermark.dwt_dct import Method, block_votes, majority


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
            the stamps tried, given how many ones were read.
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
        read = majority(votes[stamp.method], length)
        matching = int(np.sum(read == np.array(stamp.bits, np.uint8)))
        rate = chance(matching, length, sum(stamp.bits), int(read.sum()))
        readings.append(StampReading(stamp, matching, min(1.0, len(stamps) * rate)))
    return min(readings, key=lambda r: r.false_positive_rate)


def chance(matching: int, length: int, ones: int, read: int) -> float:
    """Probability that `read` ones in places of no meaning match as many bits or more.

    Args:
        matching: bits that agree.
        length: bits of the stamp.
        ones: how many of them are one.
        read: how many of the picture's bits are one.

    Source: the tail of the hypergeometric distribution; the bits that agree are
        length - ones - read + twice the ones in common.
    """
    common = (matching - length + ones + read + 1) // 2
    ways = (
        math.comb(ones, k) * math.comb(length - ones, read - k)
        for k in range(max(common, ones + read - length, 0), min(ones, read) + 1)
    )
    return sum(ways) / math.comb(length, read)
