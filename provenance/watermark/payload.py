"""`Payload`: the number that a mark carries.

The top byte is the version, the rest a random id: 56 random bits in a payload of 64, 120 in one
of 128. Two of n random ids collide with probability about n² / 2^57 (64 bits): one in a thousand
at 12 million pictures, one in two at 300 million. Issuers that number more pictures than that
should take 128 bits, where a million million pictures collide with probability below 10^-12.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from provenance.errors import CapacityError

VERSION = 1
"""Written in the top byte of random payloads."""

SIZES = (64, 128)
"""The payload lengths, in bits, that a mark can carry."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A whole payload, version included.

    Attributes:
        value: unsigned, below 2**bits.
        bits: 64 or 128.
    """

    value: int
    bits: int = 64

    def __post_init__(self) -> None:
        """Hold the promise on length and range.

        Raises:
            CapacityError: `bits` is neither 64 nor 128, or `value` does not fit.
        """
        if self.bits not in SIZES:
            raise CapacityError(
                f"payload has {self.bits} bits; a mark carries 64 or 128: use one of these"
            )
        if not 0 <= self.value < 1 << self.bits:
            raise CapacityError(
                f"payload needs {self.value.bit_length()} bits or is negative, the carrier holds "
                f"{self.bits}; use a shorter id, or 128 bits"
            )

    @property
    def version(self) -> int:
        """The top byte."""
        return self.value >> (self.bits - 8)

    @property
    def hex(self) -> str:
        """Lower-case hexadecimal of fixed width: 16 digits for 64 bits, 32 for 128."""
        return f"{self.value:0{self.bits // 4}x}"

    @classmethod
    def random(cls, bits: int = 64) -> Payload:
        """A fresh payload: the version, then `bits` - 8 bits from the system's random source."""
        if bits not in SIZES:
            raise CapacityError(f"payload has {bits} bits; a mark carries 64 or 128: use one")
        return cls((VERSION << (bits - 8)) | secrets.randbits(bits - 8), bits)

    @classmethod
    def from_hex(cls, text: str) -> Payload:
        """The inverse of `hex`.

        Raises:
            CapacityError: not 16 or 32 hexadecimal digits.
        """
        digits = text.strip().lower()
        if len(digits) * 4 not in SIZES or set(digits) - set("0123456789abcdef"):
            raise CapacityError(
                f"'{text}' is not a payload; expected 16 or 32 hexadecimal digits (64 or 128 bits)"
            )
        return cls(int(digits, 16), len(digits) * 4)
