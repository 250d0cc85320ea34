"""Asks a published detector about a picture; without a calibration the answer does not count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from provenance.detect.published.calibration import FILE, Calibration
from provenance.detect.published.community_forensics import CommunityForensics
from provenance.detect.published.interface import Detector
from provenance.detect.published.on_clip import OnClip
from provenance.errors import ConfigError
from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing, WeightStore
from provenance.weights.store import Store


class PublishedCheck:
    """Looks at a picture with a detector that others made.

    Args:
        detector: loads its weights at the first picture.
        calibration: what it is worth; None for the one that was kept beside its weights.
        store: where that one is looked for; the user's own by default.
    """

    def __init__(
        self,
        detector: Detector,
        calibration: Calibration | None = None,
        store: WeightStore | None = None,
    ) -> None:
        self.name = detector.name
        self._detector = detector
        self._given = calibration
        self._store = store

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Suggested as generated, unsure, or not checked and why."""
        picture, detector = subject.picture, self._detector
        if not isinstance(picture, Picture):
            return (self._unchecked("no-pixels", f"It was not asked: {picture}."),)
        if min(picture.width, picture.height) < detector.least:
            return (
                self._unchecked(
                    "too-small",
                    f"It was not asked: the picture has {picture.width}×{picture.height}, at "
                    f"least {detector.least} on the shorter side are needed.",
                ),
            )
        try:
            logit = detector.logit(picture)
            calibration = self._calibration()
        except WeightsMissing as missing:
            return (self._unchecked("no-weights", f"It was not asked: {missing}."),)
        except ConfigError as error:
            return (self._unchecked("not-usable", f"It was not asked: {error}."),)
        if not math.isfinite(logit):
            return (self._unchecked("failed", "It gave no number."),)
        return (self._judged(logit, calibration),)

    def _calibration(self) -> Calibration | None:
        found = self._given
        if found is None:
            store = self._store or Store.standard()
            path = store.get(self._detector.model).files.get(FILE)
            found = None if path is None else Calibration.read(path)
        if found is not None and found.digest != self._detector.digest():
            raise ConfigError(
                f"the calibration of {self._detector.model} was made with other weights; "
                "calibrate again"
            )
        return found

    def _judged(self, logit: float, calibration: Calibration | None) -> Evidence:
        score = round(1 / (1 + math.exp(-max(-700.0, min(700.0, logit)))), 4)
        facts = {"model": self._detector.model, "logit": round(logit, 4)}
        if calibration is None:
            return Evidence(
                self.name,
                f"{self.name}.uncalibrated",
                Status.UNCHECKED,
                f"The published detector {self._detector.model} gives {score:.2f}. It counts for "
                "nothing: how often that is right has not been measured.",
                f"Run python -m provenance.detect.published.calibrate {self._detector.model} "
                "--real DIR --generated DIR with pictures like yours.",
                score=score,
                details=facts,
            )
        wrong = calibration.wrong
        facts |= {"threshold": calibration.threshold, "detection_rate": asdict(calibration.found)}
        if logit < calibration.threshold:
            return Evidence(
                self.name,
                f"{self.name}.unsure",
                Status.ABSENT,
                f"The published detector {self._detector.model} does not call this generated, "
                "which says nothing.",
                score=score,
                details=facts,
            )
        return Evidence(
            self.name,
            f"{self.name}.generated",
            Status.SUGGESTED,
            f"The published detector {self._detector.model} calls this generated, as it does "
            f"{wrong.rate:.1%} of the {wrong.pictures} photographs that you measured it on.",
            origin=Origin.GENERATED,
            score=score,
            false_positive_rate=wrong.rate,
            details=facts,
            weight=calibration.weight,
        )

    def _unchecked(self, code: str, explanation: str) -> Evidence:
        return Evidence(
            self.name,
            f"{self.name}.{code}",
            Status.UNCHECKED,
            f"The published detector {self._detector.model}: {explanation}",
        )


def known() -> dict[str, Detector]:
    """Every published detector that can be named, by its model."""
    return {d.model: d for d in (CommunityForensics(), OnClip.universal_fake_detect())}


def installed(store: WeightStore | None = None) -> tuple[PublishedCheck, ...]:
    """A check for each whose weights are on this machine; the others are not mentioned."""
    found = []
    for model, detector in known().items():
        try:
            (store or Store.standard()).get(model)
        except ConfigError:
            continue
        found.append(PublishedCheck(detector))
    return tuple(found)
