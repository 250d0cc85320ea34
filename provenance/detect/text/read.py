"""Reads a line of text: characters, how sure each is, and what the network saw of their shapes.

The network gives for each step along the line one probability for each character and one for none.
The reading is the likeliest at each step, repeats and nones taken out: greedy decoding of
connectionist temporal classification (Graves et al. 2006, section 3.2). The network is PP-OCRv6
tiny: Chinese, English, other Latin letters, Greek, digits and signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance._per_process import PerProcess
from provenance.detect.text.interface import Reading
from provenance.detect.text.session import path, session

HEIGHT = 48
"""Pixels that a line is scaled to."""

_NARROW, _WIDE = 320, 2304
"""Lines are padded to the one and squeezed to the other."""

_OUTPUTS = ("fetch_name_0", "p2o.pd_op.transpose.0.0")
"""Probabilities, and what the convolutions see at each step."""

WIDTH = 2 * 160
"""Numbers in `Reading.shapes`: mean and spread of the latter."""


class Reader:
    """Reads lines. About 12 ms CPU for a short one. Thread-safe."""

    def __init__(self) -> None:
        self._session = PerProcess(_recogniser)
        self._characters = PerProcess(_characters)

    def read(self, line: Image.Image) -> Reading:
        """The text of a level line.

        Args:
            line: RGB, the line alone.

        Raises:
            WeightsMissing: the network is not on this machine.
        """
        width = min(_WIDE, max(8, round(HEIGHT * line.width / line.height)))
        shown = line.resize((width, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=2.0)
        batch = np.zeros((1, 3, HEIGHT, max(_NARROW, width)), np.float32)
        pixels = np.asarray(shown, np.float32).transpose(2, 0, 1)
        batch[0, :, :, :width] = pixels / 127.5 - 1.0
        chances, strokes = self._session().run(None, {"x": batch})
        steps = max(1, round(len(chances[0]) * width / batch.shape[3]))
        text, sureness = decoded(chances[0][:steps], self._characters())
        seen = strokes.reshape(-1, WIDTH // 2)[:steps]
        shapes = np.concatenate([seen.mean(axis=0), seen.std(axis=0)])
        return Reading(text, sureness, shapes.astype(np.float32))


def decoded(
    chances: NDArray[np.float32], characters: Sequence[str]
) -> tuple[str, tuple[float, ...]]:
    """The likeliest character of each step, repeats and nones taken out, each with its best step.

    Args:
        chances: steps × (1 + characters); column 0 is none.
        characters: of columns 1 and up.
    """
    best = chances.argmax(axis=1)
    text: list[str] = []
    sureness: list[float] = []
    before = 0
    for step, column in enumerate(best.tolist()):
        chance = float(chances[step, column])
        if column and column == before:
            sureness[-1] = max(sureness[-1], chance)
        elif column:
            text.append(characters[column - 1])
            sureness.append(chance)
        before = column
    return "".join(text), tuple(sureness)


def _recogniser() -> Any:
    return session("rec.onnx", _OUTPUTS)


def _characters() -> tuple[str, ...]:
    """Of the dictionary, a line each, and the blank, which the network has last."""
    lines = path("ppocrv6_tiny_dict.txt").read_text(encoding="utf-8").split("\n")
    return (*(line for line in lines if line), " ")
