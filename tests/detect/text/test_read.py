"""Reading: the decoding of probabilities, for any that a network could give."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from provenance.detect.text.read import decoded

CHANCES = arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.just(4)),
    elements=st.floats(0, 1, width=32),
)


def steps(*columns: int, sure: float = 0.9) -> np.ndarray:
    out = np.full((len(columns), 4), 0.01, np.float32)
    out[np.arange(len(columns)), columns] = sure
    return out


def test_repeats_are_one_character_and_a_gap_parts_two():
    assert decoded(steps(1, 1, 0, 1, 2, 0), "abc")[0] == "aab"


def test_nothing_but_gaps_reads_as_nothing():
    assert decoded(steps(0, 0, 0), "abc") == ("", ())


def test_a_character_is_as_sure_as_its_best_step():
    chances = np.concatenate([steps(1, sure=0.5), steps(1, sure=0.75), steps(0)])
    assert decoded(chances, "abc") == ("a", (0.75,))


@given(CHANCES)
def test_every_character_has_its_sureness(chances):
    text, sureness = decoded(chances, "abc")
    assert len(text) == len(sureness) <= len(chances)
    assert all(0 <= s <= 1 for s in sureness)


@given(CHANCES)
def test_gaps_at_the_ends_change_nothing(chances):
    gap = steps(0)
    assert decoded(np.concatenate([gap, chances, gap]), "abc") == decoded(chances, "abc")
