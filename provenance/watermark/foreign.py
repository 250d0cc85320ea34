"""A slot for schemes that carry raw bits, such as TrustMark, for whoever has weights.

`BitScheme` is all that such a scheme must offer; `ForeignWatermarker` makes a `Watermarker` of it,
with our payload and a CRC in whatever room is left, so that its readings carry a rate too. Nothing
here imports a framework: the scheme's object comes from the caller.

    class TrustMark100:                    # with the trustmark package and its weights
        name, capacity, smallest_side = "trustmark.Q", 100, 256
        def write(self, pixels, bits): ...
        def read(self, pixels): ...

    marker = ForeignWatermarker(TrustMark100())

`rivagan` is a scheme that comes with its weights, but has no room for a payload of ours.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.errors import CapacityError, TooSmall
from provenance.picture import Picture
from provenance.watermark.interface import Payload, Reading
from provenance.watermark.payload import SIZES

LEAST_CHECK = 20
"""Check bits below which a reading would be found too often by chance."""

LIMIT = 1e-6
"""Largest false-positive rate of a reading that counts as found."""

_POLYNOMIAL = 0x04C11DB7


class BitScheme(Protocol):
    """What a scheme of raw bits offers.

    Attributes:
        name: for the soft binding.
        capacity: bits that it carries.
        smallest_side: pixels.
    """

    @property
    def name(self) -> str:
        """For the soft binding."""

    @property
    def capacity(self) -> int:
        """Bits that it carries."""

    @property
    def smallest_side(self) -> int:
        """Pixels."""

    def write(self, pixels: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pixels of the same shape that carry `capacity` bits."""

    def read(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """`capacity` bits, or None when the scheme itself sees no mark."""


class ForeignWatermarker:
    """A scheme of raw bits as a watermarker: 64-bit payload, the rest of its room is a check.

    Args:
        scheme: the wrapped scheme.

    Raises:
        CapacityError: it carries fewer than 84 bits.
    """

    def __init__(self, scheme: BitScheme) -> None:
        least = SIZES[0] + LEAST_CHECK
        if scheme.capacity < least:
            raise CapacityError(
                f"scheme {scheme.name} carries {scheme.capacity} bits; a 64-bit payload with its "
                f"check needs {least}"
            )
        self._scheme = scheme
        self._check = min(32, scheme.capacity - SIZES[0])

    @property
    def algorithm(self) -> str:
        """Name of the scheme as used in a C2PA soft binding."""
        return self._scheme.name

    @property
    def smallest_side(self) -> int:
        """Pixels; `embed` refuses pictures with a shorter side."""
        return self._scheme.smallest_side

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        """Hide `payload` in `picture`.

        Raises:
            TooSmall: a side is shorter than `smallest_side`.
            CapacityError: the payload has 128 bits.
        """
        if payload.bits != SIZES[0]:
            raise CapacityError(
                f"payload has {payload.bits} bits; scheme {self.algorithm} holds {SIZES[0]}"
            )
        if min(picture.width, picture.height) < self.smallest_side:
            raise TooSmall(
                f"picture is {picture.width}×{picture.height}; too small to mark reliably: both "
                f"sides must be at least {self.smallest_side} pixels"
            )
        bits = np.zeros(self._scheme.capacity, np.uint8)
        bits[: 64 + self._check] = _bits(payload.value, 64) + _bits(
            _crc(payload.value, self._check), self._check
        )
        return picture.with_pixels(self._scheme.write(picture.pixels, bits))

    def extract(self, picture: Picture) -> Reading:
        """Look for a mark; the rate is the chance that its check holds by accident."""
        reason = {"reason": "nothing found"}
        if min(picture.width, picture.height) < self.smallest_side:
            return Reading(None, 1.0, {"reason": "too small to mark reliably"})
        bits = self._scheme.read(picture.pixels)
        if bits is None:
            return Reading(None, 1.0, reason)
        value = _number(bits[:64])
        if _number(bits[64 : 64 + self._check]) != _crc(value, self._check):
            return Reading(None, 1.0, reason)
        rate = 2.0**-self._check
        if rate > LIMIT or bits[64 + self._check :].any():
            return Reading(None, 1.0, reason)
        return Reading(Payload(value), rate, {"check_bits": self._check})


def _bits(value: int, count: int) -> list[int]:
    return [value >> (count - 1 - i) & 1 for i in range(count)]


def _number(bits: NDArray[np.uint8]) -> int:
    return int("".join("1" if b else "0" for b in bits.tolist()) or "0", 2)


def _crc(value: int, count: int) -> int:
    """The first `count` bits of the CRC-32 (IEEE 802.3 polynomial, plain order) of 64 bits."""
    register = 0xFFFFFFFF
    for bit in _bits(value, 64):
        register ^= bit << 31
        register = (register << 1) ^ (_POLYNOMIAL if register & 0x80000000 else 0)
        register &= 0xFFFFFFFF
    return register >> (32 - count)
