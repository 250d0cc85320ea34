"""Judges one line: legible, gibberish, or nothing that one could say.

A line is gibberish when it looks like writing in Latin or Chinese letters and cannot be read. Lines
that are small, blurred, in another script, mirrored, or no writing at all cannot be read either;
so there are four answers, learned together, and only one of them accuses. models/text/card.md says
how it was learned and measured.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.detect.text.again import agreement
from provenance.detect.text.interface import LineReader, Reading
from provenance.detect.text.language import is_chinese, surprise, unknown_pairs
from provenance.detect.text.read import HEIGHT

SMALLEST = 16.0
"""Lines under this height, in pixels of the picture, are not judged."""

FLATTEST = 24.0
"""Lines with less contrast than this, of 255, are not judged; of drawn lines, 1 in 100 has less."""

SOFTEST = 0.16
"""Lines whose steepest edge, at `HEIGHT` pixels, is less of their contrast are out of focus; of
drawn lines with a little blur, 19 in 20 have 0.19 or more."""

SHORTEST = 1.3
"""Lines that are not this much longer than high hold too few letters to judge."""

_CERTAIN = 0.95
"""A line that is read with this mean sureness is legible, whatever it looks like."""

SURE = 0.85
"""A line that is read so is legible if nothing speaks against it, or if it is held otherwise."""

TURNS = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
)
"""Other ways to hold a line: mirrored, upside down, and both."""

FAR = 6.0
"""Features are cut at so many times their spread, or one of them could decide alone."""

CLASSES = ("text", "gibberish", "other", "nothing")
"""What the line may be; `other` is another script or mirrored, `nothing` no writing at all."""


class Kind(StrEnum):
    """What a line turned out to be."""

    LEGIBLE = "legible"
    GIBBERISH = "gibberish"
    SMALL = "too small"
    UNCLEAR = "unclear"
    """Out of focus, faint, short, in another script, or no writing."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one line is.

    Attributes:
        kind: the answer.
        text: what was read.
        score: probability of gibberish by the model's own account, uncalibrated; None where the
            line was not judged.
    """

    kind: Kind
    text: str
    score: float | None = None


def judge(
    line: Image.Image, reader: LineReader, threshold: float, *, again: bool = True
) -> Judgement:
    """Read a line and judge it.

    Args:
        line: RGB, level, in the picture's own pixels.
        reader: reads it: once, or in eight ways where it needs a score, and in three more where it
            may be gibberish.
        threshold: scores from here on are gibberish.
        again: whether to read it more than once, which takes most of the time.
    """
    reading = reader.read(line)
    contrast, edge = clarity(line)
    answer = without_score(
        reading.text, reading.mean, line.height, line.width / line.height, contrast, edge
    )
    harmless = Kind.LEGIBLE if readable(reading.text, reading.mean) else Kind.UNCLEAR
    if answer or not again:
        return Judgement(answer or harmless, reading.text)
    rows = features(line, reading, agreement(line, reading, reader))[None]
    score = float(scores(rows)[0, CLASSES.index("gibberish")])
    if score < threshold:
        return Judgement(harmless, reading.text, score)
    for turn in TURNS:
        other = reader.read(line.transpose(turn))
        if other.mean >= SURE and len(other.text.strip()) > 2:
            return Judgement(Kind.LEGIBLE, other.text, score)
    return Judgement(Kind.GIBBERISH, reading.text, score)


def readable(text: str, mean: float) -> bool:
    """Whether this was read well enough to call it legible, if nothing speaks against it."""
    return mean >= SURE and len(text.strip()) > 1


def without_score(
    text: str, mean: float, height: float, long: float, contrast: float, edge: float
) -> Kind | None:
    """The answer where no score is needed: read with certainty, or nothing that can be judged."""
    legible = readable(text, mean)
    if legible and mean >= _CERTAIN:
        return Kind.LEGIBLE
    if height < SMALLEST:
        return Kind.LEGIBLE if legible else Kind.SMALL
    if contrast < FLATTEST or edge < SOFTEST or long < SHORTEST or len(text.strip()) < 2:
        return Kind.LEGIBLE if legible else Kind.UNCLEAR
    return None


def clarity(line: Image.Image) -> tuple[float, float]:
    """Contrast of a line, of 255, and its steepest edges at reading size as a share of that."""
    width = max(2, round(line.width * HEIGHT / line.height))
    size = (min(width, 40 * HEIGHT), HEIGHT)
    grey = np.asarray(line.convert("L").resize(size, Image.Resampling.BILINEAR), np.float32)
    low, high = np.percentile(grey, (5, 95))
    contrast = float(high - low)
    steepest = float(np.percentile(np.abs(np.diff(grey, axis=1)), 98))
    return contrast, steepest / max(contrast, 1.0)


def features(
    line: Image.Image, reading: Reading, agreed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the judgement rests on: sureness, language, clarity, agreement of readings, shapes."""
    sure = np.array(reading.sureness or (0.0,))
    text = reading.text
    letters = max(1, len(text.strip()))
    contrast, edge = clarity(line)
    known = (
        sure.mean(),
        sure.min(),
        np.log(sure + 0.01).mean(),
        (sure < 0.5).mean(),
        sure.std(),
        math.log(letters),
        math.log(letters * line.height / line.width),
        surprise(text),
        unknown_pairs(text),
        sum(is_chinese(c) for c in text) / letters,
        sum(c.isdigit() for c in text) / letters,
        sum(not c.isalnum() and c != " " for c in text) / letters,
        sum(a.islower() and b.isupper() for a, b in itertools.pairwise(text)) / letters,
        math.log(line.height),
        contrast / 255,
        edge,
    )
    return np.concatenate([np.array(known, np.float64), agreed, reading.shapes])


def scores(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each of `CLASSES`, uncalibrated, for rows of features."""
    return apply(_model(), rows)


def apply(model: Mapping[str, NDArray[Any]], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same with a given model: one hidden layer."""
    near = np.clip((rows - model["mean"]) / model["spread"], -FAR, FAR)
    hidden = np.maximum(near @ model["first"] + model["first_bias"], 0)
    values = hidden @ model["second"] + model["second_bias"]
    values = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(values / values.sum(axis=1, keepdims=True), np.float64)


@cache
def _model() -> dict[str, Any]:
    with (
        files("provenance_models").joinpath("text", "judge.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as tables,
    ):
        return {name: tables[name].astype(np.float64) for name in tables.files}
