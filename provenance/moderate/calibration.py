"""Turns raw evidence into probabilities, by curves that were fitted for one tower and its words.

A calibration says how likely a category was at a given score *in the pictures it was fitted on*,
with the share of unsafe pictures that they had. It is refused for another tower, and for a
category whose prompts have changed since.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.embed.interface import Identity
from provenance.errors import ConfigError, InputError
from provenance.picture import Picture

VERSION = 1

ENOUGH_FOR_ISOTONIC = 1000
"""Pictures from which on isotonic regression is at least as good as Platt's sigmoid, which is used
below (Niculescu-Mizil and Caruana, "Predicting good probabilities with supervised learning", ICML
2005, section 5)."""

_MAX_BYTES = 1 << 20


class Calibratable(Protocol):
    """A classifier whose raw evidence can be calibrated."""

    @property
    def identity(self) -> Identity:
        """The tower behind it."""

    @property
    def digests(self) -> Mapping[str, str]:
        """What each category's evidence is made of, by hash."""

    def evidence_many(self, pictures: Sequence[Picture]) -> list[Mapping[str, float]]:
        """Raw logits by category, for each picture."""
        ...


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising function from evidence to [0, 1], straight between knots in logit or probability.

    Attributes:
        of: digest of what the evidence was made of.
        safe: pictures without the category that it was fitted on.
        unsafe: pictures with it.
        platt: slope, at least 0, and intercept of a logistic curve; or None.
        knots: evidence and probability, both rising; for isotonic curves.
    """

    of: str
    safe: int
    unsafe: int
    platt: tuple[float, float] | None = None
    knots: tuple[tuple[float, float], ...] = ()

    def __call__(self, evidence: float) -> float:
        """The probability."""
        if self.platt is not None:
            return sigmoid(self.platt[0] * evidence + self.platt[1])
        x, y = zip(*self.knots, strict=True)
        return float(np.interp(evidence, x, y)) if math.isfinite(evidence) else math.nan


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves by category, for one tower."""

    tower: Identity
    curves: Mapping[str, Curve]

    def check(self, tower: Identity, digests: Mapping[str, str]) -> Calibration:
        """Return the calibration if it holds for this tower and these words.

        Raises:
            ConfigError: it was fitted for something else.
        """
        if not same_weights(self.tower, tower):
            raise ConfigError(
                f"the calibration was fitted for {self.tower}, the tower is {tower}; fit one with "
                "provenance moderate fit --calibration"
            )
        for category, curve in self.curves.items():
            if digests.get(category) != curve.of:
                raise ConfigError(
                    f"the calibration for {category} was fitted for other prompts or another head; "
                    "fit it again with provenance moderate fit --calibration"
                )
        return self

    def to_json(self) -> str:
        """The content of a calibration file."""
        curves = {name: asdict(curve) for name, curve in self.curves.items()}
        return json.dumps(
            {"version": VERSION, "tower": asdict(self.tower), "curves": curves}, indent=1
        )

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read a calibration file.

        Raises:
            ConfigError: it cannot be read, or is no calibration.
        """
        try:
            with Path(path).open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
            if len(data) > _MAX_BYTES:
                raise ValueError("more than 1 MiB")  # noqa: TRY301  reported like damage
            return cls._parse(json.loads(data))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ConfigError(
                f"{path} is no calibration ({type(error).__name__}: {error}); expected a file "
                "written by provenance moderate fit --calibration"
            ) from error

    @classmethod
    def _parse(cls, data: Mapping[str, Any]) -> Calibration:
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}, expected {VERSION}")
        tower = Identity(**{name: str(value) for name, value in data["tower"].items()})
        return cls(tower, {str(name): _curve(each) for name, each in data["curves"].items()})


def _curve(data: Mapping[str, Any]) -> Curve:
    platt = data["platt"]
    if platt is not None:
        slope, shift = (float(number) for number in platt)
        if not (isinstance(platt, list) and math.isfinite(slope + shift) and slope >= 0):
            raise ValueError("a slope that does not rise")
        platt = (slope, shift)
    knots = tuple((float(x), float(y)) for x, y in data["knots"])
    flat = np.array(knots, np.float64).reshape(-1, 2)
    if (platt is None) != (len(knots) >= 2) or not np.isfinite(flat).all():
        raise ValueError("neither a slope nor two knots")
    if (np.diff(flat, axis=0) < 0).any() or (flat[:, 1] < 0).any() or (flat[:, 1] > 1).any():
        raise ValueError("knots that do not rise within 0 to 1")
    return Curve(str(data["of"]), int(data["safe"]), int(data["unsafe"]), platt, knots)


def fit_curve(safe: Sequence[float], unsafe: Sequence[float], of: str) -> Curve:
    """The curve for evidence of safe and of unsafe pictures.

    Raises:
        InputError: too few pictures, or evidence that does not rise with the category.
    """
    if len(safe) < 2 or len(unsafe) < 2:
        raise InputError(
            f"a calibration needs safe and unsafe pictures; got {len(safe)} and {len(unsafe)}"
        )
    x = np.array([*safe, *unsafe], np.float64)
    y = np.r_[np.zeros(len(safe)), np.ones(len(unsafe))]
    if len(x) >= ENOUGH_FOR_ISOTONIC:
        return Curve(of, len(safe), len(unsafe), knots=_isotonic(x, y))
    slope, shift = _platt(x, y)
    if slope <= 0:
        raise InputError(
            "unsafe pictures do not score higher than safe ones, so no calibration can help; "
            "look at the folders, or use another classifier"
        )
    return Curve(of, len(safe), len(unsafe), platt=(slope, shift))


def _platt(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Logistic curve through smoothed targets, so that separable samples get a finite slope.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999, equation (1).
    """
    from scipy.optimize import minimize

    positive, negative = float(y.sum()), float(len(y) - y.sum())
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    middle, spread = float(x.mean()), float(x.std()) or 1.0
    z = (x - middle) / spread

    def loss(v: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = v[0] * z + v[1]
        gap = _expit(logit) - target
        value = float((np.logaddexp(0, logit) - target * logit).sum())
        return value, np.array([(gap * z).sum(), gap.sum()])

    a, b = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B").x
    return float(a / spread), float(b - a * middle / spread)


def _isotonic(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Pool adjacent violators; each pool keeps its two ends, and equal evidence is one point."""
    from scipy.optimize import isotonic_regression

    values, place, count = np.unique(x, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=y) / count
    rising = isotonic_regression(share, weights=count.astype(np.float64)).x
    inner = np.r_[False, (np.diff(rising)[:-1] == 0) & (np.diff(rising)[1:] == 0), False]
    kept = ~inner if len(values) > 2 else np.ones(len(values), bool)
    knots = [(float(a), float(min(max(b, 0.0), 1.0))) for a, b in zip(values, rising, strict=True)]
    return tuple(knot for knot, keep in zip(knots, kept, strict=True) if keep)


def same_weights(a: Identity, b: Identity) -> bool:
    """Whether two towers give the same embeddings, whichever library runs them."""
    return (a.model, a.revision, a.precision) == (b.model, b.revision, b.precision)


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow; NaN stays NaN, so that it blocks."""
    return float(_expit(np.float64(logit)))


def _expit(logit: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * logit))
