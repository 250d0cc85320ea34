"""The layout of a key is a format: it must never change, or old marks become unreadable."""

from __future__ import annotations

import hashlib

import numpy as np

from provenance.watermark.layout import (
    AXIS,
    CARRIERS,
    DATA,
    PILOTS,
    ROOM,
    SUPER,
    make_layout,
)


def digest(key: bytes) -> str:
    layout = make_layout(key)
    total = hashlib.sha256()
    for indices in (layout.data, layout.pilots, layout.empty):
        total.update(indices.astype("<i4").tobytes())
    for carrier in layout.carriers:
        total.update(carrier.order.astype("<i4").tobytes())
        total.update(np.rint(carrier.flips).astype("<i4").tobytes())
        total.update(np.rint(np.angle(carrier.pilots) * 1000).astype("<i4").tobytes())
    tone = layout.undertone
    for whole in (tone.axis, tone.waves, tone.data, tone.pilots, tone.order, np.rint(tone.flips)):
        total.update(whole.astype("<i4").tobytes())
    for units in (tone.phases, tone.turns):
        total.update(np.rint(np.angle(units) * 10).astype("<i4").tobytes())
    total.update(f"{layout.tile:.9f}".encode())
    return total.hexdigest()[:16]


def test_format_is_frozen() -> None:
    assert digest(bytes(32)) == "28578ee249ebd802"
    assert digest(bytes(range(32))) == "712187ad6642f03b"


def test_roles() -> None:
    layout = make_layout(b"r" * 32)
    roles = np.concatenate([layout.data, layout.pilots, layout.empty])
    assert sorted(roles.tolist()) == list(range(len(layout.points)))
    assert (len(layout.data), len(layout.pilots)) == (DATA, PILOTS)
    assert all(sorted(c.order.tolist()) == list(range(ROOM)) for c in layout.carriers)
    assert len({c.order.tobytes() for c in layout.carriers}) == CARRIERS


def test_undertone_has_nothing_of_the_tile() -> None:
    layout = make_layout(b"r" * 32)
    tone = layout.undertone
    assert len(tone.axis) == AXIS
    assert (tone.waves % SUPER).any(axis=1).all()
    assert np.array_equal(np.sign(tone.points) * tone.axis[np.abs(tone.points)], tone.waves)
    tile = np.sign(tone.tile) * tone.axis[np.abs(tone.tile)]
    assert np.array_equal(tile, SUPER * layout.points)
    roles = np.concatenate([tone.data, tone.pilots])
    assert sorted(roles.tolist()) == list(range(len(tone.waves)))
    assert sorted(tone.order.ravel().tolist()) == list(range(2 * len(tone.data)))


def test_keys_differ() -> None:
    one, other = make_layout(b"1" * 32), make_layout(b"2" * 32)
    shared = len(set(one.data.tolist()) & set(other.data.tolist()))
    assert shared < 0.7 * DATA
    assert not np.array_equal(one.undertone.axis, other.undertone.axis)
    assert one.tile != other.tile
