"""What a published detector is worth on pictures like yours: measured by you, kept as a file.

Half of the pictures sets the threshold, the other half is what is reported; folders inside yours
stay together, so that pictures of one source never stand on both sides. The interval of the
likelihood ratio is cautious: the lowest rate that the generated half allows, over the highest that
the real half does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provenance.errors import ConfigError, InputError
from provenance.evidence import Weight
from provenance.moderate.intervals import clopper_pearson

FORMAT = 1
FILE = "calibration.json"
ENOUGH = 20
"""Pictures of each kind in each half, below which an interval says nothing at all."""

_MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Rate:
    """A share that was counted, with its exact 95 % interval."""

    rate: float
    low: float
    high: float
    pictures: int

    @classmethod
    def of(cls, hits: int, pictures: int) -> Rate:
        """So many of so many."""
        low, high = clopper_pearson(hits, pictures)
        return cls(round(hits / pictures, 5), round(low, 5), round(high, 5), pictures)


@dataclass(frozen=True, slots=True)
class Calibration:
    """From which number on a detector says generated, and how often it is right and wrong.

    Attributes:
        model: of the detector.
        digest: of the weights that it was made with.
        threshold: logit.
        found: share of generated pictures that reach it.
        wrong: share of real pictures that do.
    """

    model: str
    digest: str
    threshold: float
    found: Rate
    wrong: Rate

    @property
    def weight(self) -> Weight:
        """The likelihood ratio of reaching the threshold; at least half a picture is wrong."""
        least = 0.5 / (self.wrong.pictures + 1)
        ratio = self.found.rate / max(self.wrong.rate, least)
        low = self.found.low / self.wrong.high
        high = self.found.high / max(self.wrong.low, least)
        return Weight(
            round(ratio, 3),
            round(min(low, ratio), 3),
            round(max(high, ratio), 3),
            self.found.pictures,
            self.wrong.pictures,
        )

    def to_json(self) -> bytes:
        """The file's content."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """A file that `to_json` made.

        Raises:
            ConfigError: it cannot be read, or is no calibration.
        """
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(_MAX_BYTES))
            if found["format"] != FORMAT:
                raise ConfigError(f"{path} has the format {found['format']}, expected {FORMAT}")
            rates = [_rate(found[name]) for name in ("found", "wrong")]
            threshold = _finite(float(found["threshold"]))
            return cls(str(found["model"]), str(found["digest"]), threshold, *rates)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path} is no calibration ({error!r}); calibrate again") from error


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"a threshold of {number}")
    return number


def _rate(given: Any) -> Rate:
    rate = Rate(
        float(given["rate"]), float(given["low"]), float(given["high"]), int(given["pictures"])
    )
    if not 0 <= rate.low <= rate.rate <= rate.high <= 1 or rate.pictures < ENOUGH:
        raise ValueError(f"a rate of {rate}")
    return rate


def calibrate(
    model: str,
    digest: str,
    real: Sequence[tuple[str, float]],
    generated: Sequence[tuple[str, float]],
    *,
    allowed: float = 0.01,
) -> Calibration:
    """Set the threshold on one half and measure it on the other.

    Args:
        model: of the detector.
        digest: of its weights.
        real: source and logit of each picture that was not generated.
        generated: likewise of those that were.
        allowed: share of the real pictures of the first half that may reach the threshold.

    Raises:
        InputError: too few pictures, or too few sources to deal to two halves.
    """
    halves = [_halves(real, "real"), _halves(generated, "generated")]
    (tuning, other_real), (_, other_made) = halves
    lowest = np.sort(tuning)[::-1]
    place = min(int(allowed * len(lowest)), len(lowest) - 1)
    threshold = float(np.nextafter(lowest[place], np.inf))
    return Calibration(
        model,
        digest,
        threshold,
        Rate.of(int((other_made >= threshold).sum()), len(other_made)),
        Rate.of(int((other_real >= threshold).sum()), len(other_real)),
    )


def _halves(scored: Sequence[tuple[str, float]], kind: str) -> list[Any]:
    """The numbers of two halves of about equal size, whole sources together."""
    values = np.array([score for _, score in scored], np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"the detector gave no number for one of the {kind} pictures")
    sources = np.array([source for source, _ in scored])
    names = sorted(set(sources), key=lambda s: hashlib.sha256(s.encode()).digest())
    names.sort(key=lambda s: -int((sources == s).sum()))
    sizes, second = [0, 0], set()
    for name in names:
        to = int(sizes[1] < sizes[0])
        sizes[to] += int((sources == name).sum())
        if to:
            second.add(name)
    if min(sizes) < ENOUGH:
        raise InputError(
            f"the {kind} pictures make halves of {sizes[0]} and {sizes[1]}, expected at least "
            f"{ENOUGH} in each; add pictures, in one folder for each place they come from"
        )
    there = np.array([source in second for source in sources])
    return [values[~there], values[there]]
