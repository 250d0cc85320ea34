"""What every tower does around its engine."""

from __future__ import annotations

import json

import numpy as np
import pytest

from provenance import Picture
from provenance.embed.tower import LoadedTower
from provenance.errors import ModerationFailed


def plain(value: int) -> Picture:
    return Picture.from_array(np.full((3, 5, 3), value, np.uint8))


def test_rows_have_length_one_and_keep_the_order(fake):
    found = fake.embed_pictures([plain(0), plain(255), plain(0)])
    assert found.shape == (3, 4)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


def test_large_batches_are_cut(fake, engine):
    assert fake.embed_pictures([plain(n % 256) for n in range(70)]).shape == (70, 4)
    assert engine.calls == [32, 32, 6]
    assert fake.embed_texts(["x"] * 65).shape == (65, 4)


def test_nothing_gives_no_rows(fake, engine):
    assert fake.embed_pictures([]).shape == fake.embed_texts([]).shape == (0, 4)
    assert engine.calls == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_numbers_that_are_no_direction_fail(fake, engine, value):
    engine.pictures = lambda pixels: np.full((len(pixels), 4), value)
    with pytest.raises(ModerationFailed, match="damaged"):
        fake.embed_pictures([plain(0)])


def test_another_width_fails(fake, engine):
    engine.texts = lambda tokens: np.ones((len(tokens), 5))
    with pytest.raises(ModerationFailed, match="expected"):
        fake.embed_texts(["a"])


def test_a_failing_library_is_one_sentence(fake, engine):
    def broken(_: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of memory")

    engine.pictures = broken
    with pytest.raises(ModerationFailed, match="RuntimeError: out of memory"):
        fake.embed_pictures([plain(0)])


def test_the_weights_are_read_on_first_use(fake):
    made = []
    tower = LoadedTower(fake.recipe, lambda: made.append(1) or fake.engine())
    assert json.dumps(tower.describe())
    assert (tower.width, tower.logit_scale, tower.logit_bias) == (4, 100.0, 0.0)
    assert made == []
    tower.embed_pictures([plain(0)])
    tower.embed_pictures([plain(1)])
    assert made == [1]
