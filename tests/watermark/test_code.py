"""Error correction: round trips, corrects, and never passes a wrong message."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.watermark import code, reader
from provenance.watermark.layout import ROOM
from provenance.watermark.payload import SIZES


@given(value=st.integers(0, 2**64 - 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_round_trip_with_flipped_bits(value: int, seed: int) -> None:
    soft = 1.0 - 2.0 * code.encode(code.message_bits(value, 64), ROOM).astype(np.float32)
    flipped = np.random.default_rng(seed).choice(ROOM, ROOM // 8, replace=False)
    soft[flipped] *= -1
    decoded = code.decode(soft[None], 64 + code.CRC_BITS)[0]
    assert code.checked_value(decoded, 64) == value


@pytest.mark.parametrize("bits", SIZES)
def test_round_trip_in_noise(bits: int) -> None:
    rng = np.random.default_rng(bits)
    values = [int.from_bytes(rng.bytes(bits // 8), "big") for _ in range(20)]
    words = np.stack([code.encode(code.message_bits(v, bits), ROOM) for v in values])
    noise = 1.0 if bits == 64 else 0.7
    soft = (1.0 - 2.0 * words + rng.normal(0, noise, words.shape)).astype(np.float32)
    decoded = code.decode(soft, bits + code.CRC_BITS)
    right = [code.checked_value(m, bits) == v for m, v in zip(decoded, values, strict=True)]
    assert all(right)


@given(value=st.integers(0, 2**64 - 1), flips=st.sets(st.integers(0, 87), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_crc_catches_few_flips(value: int, flips: set[int]) -> None:
    message = code.message_bits(value, 64)
    message[list(flips)] ^= 1
    assert code.checked_value(message, 64) is None


def test_crc_depends_on_the_length() -> None:
    assert code.message_bits(0, 64)[64:].tolist() != code.message_bits(0, 128)[128:].tolist()


def test_crc_check_value() -> None:
    bits = np.unpackbits(np.frombuffer(b"123456789", np.uint8))
    assert int("".join(map(str, code.crc(bits))), 2) == 0x21CF02  # RFC 4880's check value


def test_silence_decodes_to_nothing() -> None:
    for bits in SIZES:
        assert reader.decode(np.zeros((1, ROOM), np.float32), bits)[0].payload is None


def test_noise_decodes_to_nothing() -> None:
    rng = np.random.default_rng(3)
    for outcome in reader.decode(rng.normal(size=(200, ROOM)).astype(np.float32), 64):
        assert outcome.payload is None
        assert outcome.score < 11.0
