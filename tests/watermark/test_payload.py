"""Payloads: fixed width, fixed range, random by default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import CapacityError
from provenance.watermark.payload import VERSION, Payload


@given(st.integers(0, 2**64 - 1))
def test_hex_round_trip(value: int) -> None:
    payload = Payload(value)
    assert len(payload.hex) == 16
    assert Payload.from_hex(payload.hex) == payload


@pytest.mark.parametrize("bits", [64, 128])
def test_random(bits: int) -> None:
    made = {Payload.random(bits) for _ in range(50)}
    assert len(made) == 50
    assert {p.version for p in made} == {VERSION}


@pytest.mark.parametrize(("value", "bits"), [(2**64, 64), (-1, 64), (0, 96), (2**128, 128)])
def test_refuses_what_does_not_fit(value: int, bits: int) -> None:
    with pytest.raises(CapacityError):
        Payload(value, bits)


@pytest.mark.parametrize("text", ["", "xyz", "0" * 15, "0" * 17, "g" * 16, "+" + "0" * 15])
def test_refuses_other_text(text: str) -> None:
    with pytest.raises(CapacityError):
        Payload.from_hex(text)


def test_refuses_random_of_other_sizes() -> None:
    with pytest.raises(CapacityError):
        Payload.random(96)
