"""The edits of hands: what is pasted stays where it should, and a sixth finger needs five."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from models.hands.edits import CONTROLS, FINGERS, KINDS, edit, open_hand

SIDE = 400


def points() -> np.ndarray:
    """An open hand: the wrist below, the thumb to the left, four straight fingers."""
    found = np.zeros((21, 2))
    found[0] = 200, 300
    for number, base in enumerate(((170, 260), (175, 220), (190, 215), (205, 217), (220, 222))):
        way = np.array([-18, -14]) if number == 0 else np.array([(number - 2.5) * 3, -16])
        found[list(FINGERS[number])] = [np.array(base) + way * step for step in range(4)]
    return found


def folded() -> np.ndarray:
    """The same hand with its middle finger folded."""
    found = points()
    found[list(FINGERS[2])] = [(190, 215), (190, 200), (190, 212), (190, 224)]
    return found


@pytest.fixture
def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def changed(picture: Image.Image, kind: str, seed: int = 0) -> np.ndarray:
    found = edit(picture, points(), kind, np.random.default_rng(seed))
    assert found is not None
    assert (found.size, found.mode) == (picture.size, "RGB")
    return np.abs(np.asarray(found, int) - np.asarray(picture, int)).max(2) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_edit_changes_the_picture_and_keeps_its_size(kind, picture):
    assert changed(picture, kind).any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_edit(kind, picture):
    assert (changed(picture, kind, 3) == changed(picture, kind, 3)).all()


@pytest.mark.parametrize("kind", ["beside", "swirled"])
def test_controls_off_the_hand_leave_the_hand_alone(kind, picture):
    assert kind in CONTROLS
    for seed in range(9):
        away = changed(picture, kind, seed)
        for x, y in points():
            assert not away[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].any()


def test_a_splice_leaves_one_side_and_the_wrist_alone(picture):
    away = changed(picture, "spliced")
    assert not away[:, :170].any()
    assert not away[310:, :260].any()


def test_a_hand_is_open_only_with_four_fingers_stretched():
    assert open_hand(points())
    assert not open_hand(folded())


def test_a_fist_takes_no_further_finger(picture):
    fist = folded()
    for finger in FINGERS[1:]:
        fist[list(finger)] = fist[finger[0]] + np.array([(0, 0), (0, -15), (0, -3), (0, 9)])
    for kind in ("extra-outside", "extra-between", "spliced", "in-place"):
        assert edit(picture, fist, kind, np.random.default_rng(0)) is None
