"""Sums by name are the same in memory and on disk."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.audit import tally
from provenance.audit.tally import Tally

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=3)


@given(names=st.lists(NAMES, max_size=80), held=st.integers(1, 9), most=st.integers(0, 9))
def test_what_does_not_fit_is_counted_too(names: list[str], held: int, most: int) -> None:
    counts = Counter(names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "HELD", held)
        small = Tally(2)
        for n, name in enumerate(names):
            small.add(name, (1, n))
        expected = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
        assert [(name, numbers[0]) for name, numbers in small.top(most)] == expected
        assert small.total() == len(names)
        assert sum(numbers[1] for _, numbers in small.top(99)) == sum(range(len(names)))
        assert bool(small) == bool(names)
        everything = small.all()
        assert everything is None or {k: v[0] for k, v in everything.items()} == counts
        assert (everything is None) == (len(counts) > held)
