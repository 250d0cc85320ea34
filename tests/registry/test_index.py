"""The index finds what looking at each fingerprint finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.registry.fingerprint import Probes, differing, nearest
from provenance.registry.index import PREFILTER, FingerprintIndex
from tests.registry.samples import a_fingerprint, probes_of, with_flipped_bits


def test_it_grows_and_keeps_what_it_has():
    index = FingerprintIndex()
    assert len(index) == 0
    assert index.last == 0
    for number in range(1, 3000, 7):
        index.add(number, a_fingerprint(number))
    assert len(index) == 429
    assert index.last == 2997
    for number in (1, 8, 1401, 2997):
        assert index.search(probes_of(a_fingerprint(number))) == [(number, 0)]
    assert index.search(probes_of(a_fingerprint(2))) == []


def test_across_the_chunks_of_a_large_index():
    rows = np.random.default_rng(0).integers(0, 256, (100_000, 64), np.uint8)
    index = FingerprintIndex()
    index.extend(np.arange(1, 100_001), rows.tobytes())
    for place in (0, 32_767, 32_768, 65_536, 99_999):
        whole = with_flipped_bits(rows[place, :32].tobytes(), 10, seed=place)
        assert index.search(Probes((whole,), ())) == [(place + 1, 10)]


@settings(max_examples=60, deadline=None)
@given(
    flips=st.lists(st.integers(0, 80), min_size=1, max_size=30),
    limit=st.integers(1, 5),
    reach=st.integers(0, 70),
)
def test_it_agrees_with_a_search_one_by_one(flips, limit, reach):
    base = a_fingerprint(0).whole
    index, expected = FingerprintIndex(), []
    for number, count in enumerate(flips, 1):
        whole = with_flipped_bits(base, count, seed=number)
        kept = type(a_fingerprint(0))(whole, a_fingerprint(1000 + number).middle)
        index.add(number, kept)
        if differing(whole[:8], base[:8]) <= PREFILTER and count <= reach:
            expected.append((count, number))
    found = index.search(Probes((base,), ()), limit, reach)
    assert found == [(number, count) for count, number in sorted(expected)[:limit]]


def test_crops_are_looked_for_only_when_nothing_looks_alike():
    whole, part = a_fingerprint(1), a_fingerprint(2)
    index = FingerprintIndex()
    index.add(1, whole)
    index.add(2, part)
    assert index.search(Probes((whole.whole,), (part.middle,))) == [(1, 0)]
    assert index.search(Probes((a_fingerprint(3).whole,), (part.middle,))) == [(2, 0)]
    assert nearest(Probes((a_fingerprint(3).whole,), (part.middle,)), part) == 0
