"""A picture is embedded once, in whatever order and from however many threads it is asked for."""

from __future__ import annotations

import gc
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from provenance.errors import ModerationFailed
from provenance.moderate.embedder import BATCH, Embedder
from provenance.picture import Picture
from tests.moderate.towers import BLUE, GREEN, RED, ColourTower, flat


def test_a_picture_is_embedded_once():
    tower, picture = ColourTower(), flat(RED)
    embedder = Embedder(tower)
    first = embedder.vectors([picture, picture])
    again = embedder.vectors([picture])
    assert tower.pictures == 1
    assert np.array_equal(first[0], again[0])
    assert first[1].shape == (1, tower.width)


def test_pictures_come_back_in_order():
    tower = ColourTower()
    embedder = Embedder(tower)
    known = flat(GREEN)
    embedder.vectors([known])
    rows = embedder.vectors([flat(RED), known, flat(BLUE)])
    assert [int(row[0].argmax()) for row in rows] == [0, 1, 2]
    assert tower.pictures == 3


def test_many_pictures_go_in_batches():
    sizes = []
    tower = ColourTower()
    embed = tower.embed_pictures
    tower.embed_pictures = lambda pictures: sizes.append(len(pictures)) or embed(pictures)
    pictures = [flat(RED) for _ in range(2 * BATCH + 1)]
    assert len(Embedder(tower).vectors(pictures)) == len(pictures)
    assert sizes == [BATCH, BATCH, 1]


def test_what_transparency_hides_is_embedded_as_well():
    pixels = np.dstack([flat(RED).pixels, np.zeros((16, 16), np.uint8)])
    (rows,) = Embedder(ColourTower()).vectors([Picture.from_array(pixels)])
    assert rows.shape[0] == 2
    assert rows[0, 0] < 0.5 < rows[1, 0]


def test_nothing_is_kept_of_a_picture_that_died():
    embedder = Embedder(ColourTower())
    embedder.vectors([flat(RED)])
    gc.collect()
    assert len(embedder._memory()) == 0


def test_threads_share_one_embedding():
    tower, picture = ColourTower(), flat(RED)
    embedder = Embedder(tower)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: embedder.vectors([picture])[0], range(64)))
    assert tower.pictures == 1
    assert all(np.array_equal(row, rows[0]) for row in rows)


def test_a_failure_is_not_remembered():
    tower, picture = ColourTower(), flat(RED)
    embedder = Embedder(tower)
    embed, tower.embed_pictures = tower.embed_pictures, lambda pictures: 1 / 0
    with pytest.raises(ZeroDivisionError):
        embedder.vectors([picture])
    tower.embed_pictures = embed
    assert embedder.vectors([picture])[0].shape == (1, tower.width)


def test_ctrl_c_in_one_thread_is_not_raised_in_another():
    tower, picture = ColourTower(), flat(RED)
    embedder = Embedder(tower)
    began, others = threading.Event(), []

    def interrupted(pictures):
        began.set()
        time.sleep(0.2)
        raise KeyboardInterrupt

    def wait():
        began.wait()
        try:
            embedder.vectors([picture])
        except BaseException as error:
            others.append(type(error))

    tower.embed_pictures = interrupted
    waiting = threading.Thread(target=wait)
    waiting.start()
    with pytest.raises(KeyboardInterrupt):
        embedder.vectors([picture])
    waiting.join()
    assert others == [ModerationFailed]


@pytest.mark.parametrize(
    "rows",
    [np.zeros((1, 64)), np.full((1, 64), np.nan), np.ones((1, 64)), np.eye(64)[:2], np.eye(8)[:1]],
)
def test_what_is_no_embedding_is_refused(rows):
    tower = ColourTower()
    tower.embed_pictures = lambda pictures: rows
    with pytest.raises(ModerationFailed, match="gave embeddings"):
        Embedder(tower).vectors([flat(RED)])


def test_it_pickles_with_its_tower_and_without_its_memory():
    embedder = Embedder(ColourTower())
    embedder.vectors([flat(RED)])
    again = pickle.loads(pickle.dumps(embedder))
    assert len(again._memory()) == 0
    assert again.vectors([flat(RED)])[0].shape == (1, 64)


def test_an_embedder_is_taken_as_it_is():
    embedder = Embedder(ColourTower())
    assert Embedder.of(embedder) is embedder
    assert Embedder.of(embedder.tower) is not embedder
