"""Other ways to show a line, and how far what is read there agrees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from provenance.detect.text.again import WAYS, agreement, likeness
from provenance.detect.text.interface import Reading
from provenance.detect.text.read import WIDTH

LINE = Image.fromarray(np.tile(np.arange(0, 240, 2, dtype=np.uint8), (40, 1))).convert("RGB")


class Says:
    """Reads what it was given, in turn."""

    def __init__(self, *texts: str, sureness: float = 0.9, stroke: float = 1.0) -> None:
        self.texts, self.sureness, self.stroke = itertools.cycle(texts), sureness, stroke

    def read(self, line: Image.Image) -> Reading:
        text = next(self.texts)
        shapes = np.full(WIDTH, self.stroke, np.float32)
        return Reading(text, (self.sureness,) * len(text), shapes)


FIRST = Reading("OPEN DAILY", (0.9,) * 10, np.ones(WIDTH, np.float32))


def test_readings_that_agree():
    found = agreement(LINE, FIRST, Says("open daily"))
    assert found[:3].tolist() == [1, 1, 1]
    assert found[3:8] == pytest.approx([0.9, 0.9, 0.9, 0, 0.9])
    assert found[8:].tolist() == [0, 0, 1]


def test_readings_that_do_not():
    found = agreement(LINE, FIRST, Says("xx", "qqqq", "", sureness=0.3, stroke=2.0))
    assert found[:2].tolist() == [0, 0]
    assert found[2] < 0.5
    assert found[8:10] == pytest.approx([1, 1])


def test_nothing_read_at_all():
    none = Reading("", (), np.zeros(WIDTH, np.float32))
    found = agreement(LINE, none, Says("", stroke=0.0))
    assert np.isfinite(found).all()
    assert found.shape == (11,)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (400, 3), (2000, 16)])
def test_each_way_gives_a_picture_and_leaves_the_line_as_it_is(size):
    line = Image.new("RGB", size, (10, 200, 30))
    before = line.tobytes()
    for way in WAYS:
        shown = way(line)
        assert shown.mode == "RGB" and min(shown.size) > 0
    assert line.tobytes() == before


def test_likeness():
    assert likeness("OPEN", "open") == 1
    assert likeness("OPEN", "xyz") == 0
    assert likeness("", "") == 1
    assert 0 < likeness("OPEN", "OPFN") < 1
