"""Judges whether a photograph-like picture was generated, from its pixels alone.

A linear head on middle layers of a vision backbone, trained on pictures of equal size and
compression; models/pixels/card.md says what was measured and where it fails. It says *generated*
only if the shrunk picture, its crops and a harder compressed copy all say so; anything else is
*unsure*, never "not generated".
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detect.backbone import LAYERS, MODEL, WIDTH, Backbone
from provenance.detect.graphics import flatness
from provenance.detect.views import CROPS, HARDER, SHRUNK, views
from provenance.errors import ConfigError
from provenance.evidence import Evidence, Origin, Status, Weight
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing

LEAST = 128
"""Pixels of the shorter side under which a picture is not judged: none smaller was measured."""


@dataclass(frozen=True, slots=True)
class Head:
    """The trained weights, and what was measured of them.

    Attributes:
        mean: of the training features.
        spread: likewise.
        weight: of each standardised feature.
        bias: added to their sum.
        threshold: logit from which on a reading says generated.
        curve: slope and intercept of the probability at even odds.
        flat: share of flat blocks from which on a picture counts as a graphic.
        false_positives: share of real pictures that were called generated, on sources held out.
        worth: likelihood ratio of being called generated.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: float
    threshold: float
    curve: tuple[float, float]
    flat: float
    false_positives: float
    worth: Weight

    def readings(self, features: NDArray[np.float32]) -> dict[str, float]:
        """Logits of the shrunk view, of the crops together, and of the harder compressed one."""
        logits = ((features - self.mean) / self.spread) @ self.weight + self.bias
        return {
            "shrunk": float(logits[SHRUNK]),
            "crops": float(logits[CROPS].mean()),
            "recompressed": float(logits[HARDER]),
        }


@cache
def trained() -> Head:
    """The head that comes with the library.

    Raises:
        ConfigError: its file is not the one that was measured.
    """
    folder = files("provenance_models").joinpath("pixels")
    metrics: dict[str, Any] = json.loads(folder.joinpath("metrics.json").read_text("utf-8"))
    data = folder.joinpath("head.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != metrics["head_sha256"] or metrics["layers"] != list(
        LAYERS
    ):
        raise ConfigError("the detector's head is not the one that was measured; reinstall")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        mean, spread, weight = (arrays[name] for name in ("mean", "spread", "weight"))
        bias = float(arrays["bias"])
    if not mean.shape == spread.shape == weight.shape == (WIDTH,):
        raise ConfigError("the detector's head does not fit its backbone; reinstall")
    ratio = metrics["likelihood_ratio"]
    low, high = ratio["interval95_by_source"]
    pictures = metrics["pictures"]
    return Head(
        mean,
        spread,
        weight,
        bias,
        metrics["threshold"],
        tuple(metrics["platt_at_even_odds"]),
        metrics["graphics"]["flat"],
        metrics["real_called_generated"]["share"],
        Weight(ratio["ratio"], low, high, pictures["generated"], pictures["real"]),
    )


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
        flat = flatness(picture)
        if flat >= head.flat:
            return (
                _unchecked(
                    "graphic",
                    "The pixels were not judged: this looks like a drawing, a diagram or a "
                    "screenshot, and the detector was made for photographs.",
                ),
            )
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
        return (_judged(head, head.readings(features)),)


def _judged(head: Head, read: dict[str, float]) -> Evidence:
    if not all(math.isfinite(logit) for logit in read.values()):
        return _unchecked("failed", "The pixels were not judged: the detector gave no number.")
    agreed = [logit >= head.threshold for logit in read.values()]
    mean = (read["shrunk"] + read["crops"]) / 2
    score = 1.0 / (1.0 + math.exp(-(head.curve[0] * mean + head.curve[1])))
    facts = {
        "readings": {name: round(x, 3) for name, x in read.items()},
        "threshold": head.threshold,
    }
    if all(agreed):
        return Evidence(
            "pixels",
            "pixels.generated",
            Status.SUGGESTED,
            "The pixels look like those of generated pictures, also after another re-encoding. "
            f"{head.false_positives:.1%} of photographs look so as well.",
            origin=Origin.GENERATED,
            score=round(score, 3),
            false_positive_rate=head.false_positives,
            details=facts,
            weight=head.worth,
        )
    why = (
        "It changes with re-encoding, so nothing is concluded."
        if any(agreed)
        else "Most generated pictures look like this to the detector too, so it says nothing."
    )
    return Evidence(
        "pixels",
        "pixels.unsure",
        Status.ABSENT,
        f"The pixels do not show clearly whether this was generated. {why}",
        score=round(score, 3),
        details=facts,
    )


def _unchecked(code: str, explanation: str, advice: str = "") -> Evidence:
    return Evidence("pixels", f"pixels.{code}", Status.UNCHECKED, explanation, advice)
