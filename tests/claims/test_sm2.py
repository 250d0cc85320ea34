"""SM2 after the standard's own example."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.claims import sm2

# GB/T 32918.5-2017, annex A.2: the key, the message "message digest", and its signature.
KEY = sm2.Point(
    0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020,
    0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13,
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
MESSAGE = b"message digest"


def test_the_standards_example_holds():
    assert KEY.on_curve and sm2.BASE.on_curve
    assert sm2.holds(KEY, MESSAGE, R, S)


def test_sm3_after_its_standard():
    # GB/T 32905-2016, annex A.1.
    assert sm2.sm3(b"abc").hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )


@pytest.mark.parametrize(
    ("key", "message", "r", "s", "identity"),
    [
        (KEY, b"message digesT", R, S, sm2.IDENTITY),
        (KEY, MESSAGE, R + 1, S, sm2.IDENTITY),
        (KEY, MESSAGE, R, S - 1, sm2.IDENTITY),
        (KEY, MESSAGE, S, R, sm2.IDENTITY),
        (KEY, MESSAGE, R + sm2.N, S, sm2.IDENTITY),
        (KEY, MESSAGE, 0, S, sm2.IDENTITY),
        (KEY, MESSAGE, R, 0, sm2.IDENTITY),
        (KEY, MESSAGE, R, sm2.N - R, sm2.IDENTITY),
        (KEY, MESSAGE, -R, -S, sm2.IDENTITY),
        (KEY, MESSAGE, R, S, b"ALICE123@YAHOO.COM"),
        (sm2.Point(KEY.x, sm2.P - KEY.y), MESSAGE, R, S, sm2.IDENTITY),
        (sm2.Point(KEY.x, KEY.y + 1), MESSAGE, R, S, sm2.IDENTITY),
        (sm2.Point(0, 0), MESSAGE, R, S, sm2.IDENTITY),
        (sm2.Point(KEY.x + sm2.P, KEY.y), MESSAGE, R, S, sm2.IDENTITY),
        (sm2.BASE, MESSAGE, R, S, sm2.IDENTITY),
    ],
)
def test_nothing_else_does(key, message, r, s, identity):
    assert not sm2.holds(key, message, r, s, identity)


def test_a_point_from_half_of_it():
    assert KEY in sm2.at(KEY.x)
    assert all(point.on_curve for point in sm2.at(KEY.x))
    assert sm2.at(sm2.P) == ()


@settings(max_examples=20, deadline=None)
@given(x=st.integers(-(2**260), 2**260), r=st.integers(0, 2**257), s=st.integers(0, 2**257))
def test_any_numbers_are_taken(x, r, s):
    for key in (sm2.Point(x, x), *sm2.at(x)):
        assert not sm2.holds(key, MESSAGE, r, s)
