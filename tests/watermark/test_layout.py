"""The layout of a key is a format: it must never change, or old marks become unreadable."""

from __future__ import annotations

import hashlib

import numpy as np

from provenance.watermark.layout import CARRIERS, DATA, PILOTS, ROOM, make_layout


def digest(key: bytes) -> str:
    layout = make_layout(key)
    total = hashlib.sha256()
    for indices in (layout.data, layout.pilots, layout.empty):
        total.update(indices.astype("<i4").tobytes())
    for carrier in layout.carriers:
        total.update(carrier.order.astype("<i4").tobytes())
        total.update(np.rint(carrier.flips).astype("<i4").tobytes())
        total.update(np.rint(np.angle(carrier.pilots) * 1000).astype("<i4").tobytes())
    total.update(f"{layout.tile:.9f}".encode())
    return total.hexdigest()[:16]


def test_format_is_frozen() -> None:
    assert digest(bytes(32)) == "a0bdf75e80a70c67"
    assert digest(bytes(range(32))) == "2e5a9df3c3243161"


def test_roles() -> None:
    layout = make_layout(b"r" * 32)
    roles = np.concatenate([layout.data, layout.pilots, layout.empty])
    assert sorted(roles.tolist()) == list(range(len(layout.points)))
    assert (len(layout.data), len(layout.pilots)) == (DATA, PILOTS)
    assert all(sorted(c.order.tolist()) == list(range(ROOM)) for c in layout.carriers)
    assert len({c.order.tobytes() for c in layout.carriers}) == CARRIERS


def test_keys_differ() -> None:
    one, other = make_layout(b"1" * 32), make_layout(b"2" * 32)
    shared = len(set(one.data.tolist()) & set(other.data.tolist()))
    assert shared < 0.7 * DATA
    assert one.tile != other.tile
