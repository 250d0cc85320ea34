"""Checks SM2 signatures over SM3 (GB/T 32918.2). It signs nothing and knows no secret.

No well-kept package offers it under a free licence: cryptography 50 has SM3 and not the curve. A
check works on public numbers alone, so nothing is given away by the time that it takes.
tests/claims/test_sm2.py holds it to the standard's example and to labels of real services.

Source: GB/T 32918.1-2016 (curve arithmetic), 32918.2-2016 (section 7.1, verification; the message
with its identity), 32918.5-2017 (the curve).
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SM3, Hash

P = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
"""The field's prime."""

A = P - 3
B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
"""The curve: y² = x³ + Ax + B."""

N = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
"""Order of the base point."""

IDENTITY = b"1234567812345678"
"""The signer's identity where nobody agreed on another (GB/T 35276)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the plane; on the curve only if `on_curve` says so."""

    x: int
    y: int

    @property
    def on_curve(self) -> bool:
        """Whether it satisfies the curve's equation."""
        inside = 0 <= self.x < P and 0 <= self.y < P
        return inside and (self.y * self.y - self.x**3 - A * self.x - B) % P == 0


BASE = Point(
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)


def at(x: int) -> tuple[Point, ...]:
    """The two points of the curve with this x; none if it has none there."""
    square = (x**3 + A * x + B) % P
    y = pow(square, (P + 1) // 4, P)  # a root, because P leaves 3 over fours
    return tuple(p for p in (Point(x, y), Point(x, P - y)) if p.on_curve)


def holds(key: Point, message: bytes, r: int, s: int, identity: bytes = IDENTITY) -> bool:
    """Whether (r, s) is a signature of the message under the key.

    Raises:
        UnsupportedAlgorithm: this machine's OpenSSL has no SM3.
    """
    found = signed(key, r, s)
    return found is not None and found == digest(key, message, identity) % N


def signed(key: Point, r: int, s: int) -> int | None:
    """The digest, modulo `N`, that (r, s) is a signature of; None if it is one of nothing."""
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t and key.on_curve):
        return None
    found = _sum(_times(s, BASE), _times(t, key))
    return None if found is None else (r - found.x) % N


def digest(key: Point, message: bytes, identity: bytes = IDENTITY) -> int:
    """The number that is signed: the hash of who signs, by identity and key, and the message.

    Raises:
        UnsupportedAlgorithm: this machine's OpenSSL has no SM3.
    """
    signer = (8 * len(identity)).to_bytes(2, "big") + identity
    for number in (A, B, BASE.x, BASE.y, key.x, key.y):
        signer += number.to_bytes(32, "big")
    return int.from_bytes(sm3(sm3(signer) + message), "big")


def sm3(data: bytes) -> bytes:
    """The hash of GB/T 32905-2016, 32 bytes.

    Raises:
        UnsupportedAlgorithm: this machine's OpenSSL has no SM3.
    """
    state = Hash(SM3())
    state.update(data)
    return state.finalize()


def _sum(one: Point | None, two: Point | None) -> Point | None:
    """The sum on the curve; None is the point at infinity."""
    if one is None or two is None:
        return one or two
    if one.x != two.x:
        slope = (two.y - one.y) * pow(two.x - one.x, -1, P)
    elif one.y == two.y and one.y:
        slope = (3 * one.x * one.x + A) * pow(2 * one.y, -1, P)
    else:
        return None
    x = (slope * slope - one.x - two.x) % P
    return Point(x, (slope * (one.x - x) - one.y) % P)


def _times(factor: int, point: Point) -> Point | None:
    result: Point | None = None
    doubled: Point | None = point
    while factor:
        if factor & 1:
            result = _sum(result, doubled)
        doubled = _sum(doubled, doubled)
        factor >>= 1
    return result
