"""Judges whether a photograph-like picture was generated, from its pixels alone.

A linear head on a middle layer of a vision backbone, trained on pictures of equal size and
compression; models/pixels/card.md says what was measured and where it fails. It says *generated*
only if the shrunk picture, its crops and a harder compressed copy all say so; anything else is
*unsure*, never "not generated". What it says is worth more if all three say so clearly.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.backbone import LAYERS, MODEL, SHA256, WIDTH, Backbone
from provenance.detect.graphics import described, flatness
from provenance.detect.views import CROPS, HARDER, SHRUNK, views
from provenance.errors import ConfigError
from provenance.evidence import Evidence, Origin, Status, Weight
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing

LEAST = 128
"""Pixels of the shorter side under which a picture is not judged: none smaller was measured."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Standardises numbers and weighs them."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: float

    def logits(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """One number for each row."""
        result = ((rows - self.mean) / self.spread) @ self.weight + np.float32(self.bias)
        return result.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Level:
    """A threshold, and what was measured of it on sources held out.

    Attributes:
        threshold: logit that all readings must reach.
        false_positives: share of real pictures that did.
        worth: likelihood ratio of reaching it.
    """

    threshold: float
    false_positives: float
    worth: Weight


@dataclass(frozen=True, slots=True)
class Head:
    """The trained weights, and what was measured of them.

    Attributes:
        judge: weighs the features of a view.
        curve: slope and intercept of the probability at even odds.
        levels: lowest threshold first.
        gate: weighs what a picture is described by; from `graphic` on it counts as a graphic.
        graphic: threshold.
        found: share of generated pictures that reach the first level: rate, low, high, pictures.
    """

    judge: Linear
    curve: tuple[float, float]
    levels: tuple[Level, ...]
    gate: Linear
    graphic: float
    found: Mapping[str, float]

    def readings(self, features: NDArray[np.float32]) -> dict[str, float]:
        """Logits of the shrunk view, of the crops together, and of the harder compressed one."""
        logits = self.judge.logits(features)
        return {
            "shrunk": float(logits[SHRUNK]),
            "crops": float(logits[CROPS].mean()),
            "recompressed": float(logits[HARDER]),
        }

    def is_graphic(self, features: NDArray[np.float32], flat: float) -> bool:
        """Whether this was drawn or composed on a screen."""
        return bool(self.gate.logits(described(features, flat)[None])[0] >= self.graphic)


@cache
def trained() -> Head:
    """The head that comes with the library.

    Raises:
        ConfigError: its files are not those that were measured.
    """
    folder = files("provenance_models").joinpath("pixels")
    metrics: dict[str, Any] = json.loads(folder.joinpath("metrics.json").read_text("utf-8"))
    if metrics["layers"] != list(LAYERS) or metrics["backbone_sha256"] != SHA256:
        raise ConfigError("the detector was measured with another backbone; reinstall")
    found = metrics["levels"][0]["generated_called_generated"]
    low, high = found["interval95"]
    return Head(
        _linear("head", metrics["head_sha256"], WIDTH),
        tuple(metrics["platt_at_even_odds"]),
        tuple(_level(level) for level in metrics["levels"]),
        _linear("graphics", metrics["graphics_sha256"], WIDTH + 1),
        metrics["graphics"]["threshold"],
        {"rate": found["share"], "low": low, "high": high, "pictures": found["n"]},
    )


def _level(measured: Mapping[str, Any]) -> Level:
    wrong, found = measured["real_called_generated"], measured["generated_called_generated"]
    low, high = measured["interval95"]
    worth = Weight(measured["ratio"], low, high, found["n"], wrong["n"])
    return Level(measured["threshold"], wrong["share"], worth)


def _linear(name: str, sha256: str, width: int) -> Linear:
    data = files("provenance_models").joinpath("pixels", f"{name}.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ConfigError("the detector's head is not the one that was measured; reinstall")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        mean, spread, weight = (arrays[part] for part in ("mean", "spread", "weight"))
        bias = float(arrays["bias"])
    if not mean.shape == spread.shape == weight.shape == (width,):
        raise ConfigError("the detector's head does not fit its backbone; reinstall")
    return Linear(mean, spread, weight, bias)


class PixelsCheck:
    """Looks at the pixels of photographs. Graphics are recognised and not judged.

    Args:
        backbone: to share between checks.
    """

    name = "pixels"

    def __init__(self, backbone: Backbone | None = None) -> None:
        self._backbone = backbone or Backbone()

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Suggested as generated, unsure, or not checked and why."""
        picture = subject.picture
        if not isinstance(picture, Picture):
            return (_unchecked("no-pixels", f"The pixels were not judged: {picture}."),)
        if min(picture.width, picture.height) < LEAST:
            return (
                _unchecked(
                    "too-small",
                    f"The pixels were not judged: the picture has {picture.width}×"
                    f"{picture.height}, at least {LEAST} on the shorter side are needed.",
                ),
            )
        head = trained()
        try:
            features = self._backbone.features(views(picture))
        except WeightsMissing:
            return (
                _unchecked(
                    "no-weights",
                    f"The pixels were not judged: the weights of {MODEL} are not on this machine; "
                    f"run: provenance models pull {MODEL}.",
                ),
            )
        if head.is_graphic(features, flatness(picture)):
            return (
                _unchecked(
                    "graphic",
                    "The pixels were not judged: this looks like a drawing, a diagram or a "
                    "screenshot, and the detector was made for photographs.",
                ),
            )
        return (_judged(head, head.readings(features)),)


def _judged(head: Head, read: dict[str, float]) -> Evidence:
    if not all(math.isfinite(logit) for logit in read.values()):
        return _unchecked("failed", "The pixels were not judged: the detector gave no number.")
    mean = (read["shrunk"] + read["crops"]) / 2
    score = round(_logistic(head.curve[0] * mean + head.curve[1]), 3)
    facts = {
        "readings": {name: round(x, 3) for name, x in read.items()},
        "thresholds": [level.threshold for level in head.levels],
        "detection_rate": dict(head.found),
    }
    lowest = min(read.values())
    reached = [level for level in head.levels if lowest >= level.threshold]
    if reached:
        clearly = "clearly " if len(reached) > 1 else ""
        return Evidence(
            "pixels",
            "pixels.generated",
            Status.SUGGESTED,
            f"The pixels look {clearly}like those of generated pictures, also after another "
            f"re-encoding. {reached[-1].false_positives:.1%} of photographs look so as well.",
            origin=Origin.GENERATED,
            score=score,
            false_positive_rate=reached[-1].false_positives,
            details=facts,
            weight=reached[-1].worth,
        )
    why = (
        "It changes with re-encoding, so nothing is concluded."
        if max(read.values()) >= head.levels[0].threshold
        else "Many generated pictures look like this to the detector too, so it says nothing."
    )
    return Evidence(
        "pixels",
        "pixels.unsure",
        Status.ABSENT,
        f"The pixels do not show clearly whether this was generated. {why}",
        score=score,
        details=facts,
    )


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, x))))


def _unchecked(code: str, explanation: str, advice: str = "") -> Evidence:
    return Evidence("pixels", f"pixels.{code}", Status.UNCHECKED, explanation, advice)
