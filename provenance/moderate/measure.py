"""Scores folders of pictures, for fitting thresholds and for measuring classifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provenance.codec.limits import Limits
from provenance.errors import InputError
from provenance.moderate.calibration import Calibratable, Calibration, Curve, fit_curve
from provenance.moderate.fit import Fit, fit, once
from provenance.moderate.interface import FLOOR, PictureClassifier
from provenance.moderate.samples import Looks, Sample, copies, look
from provenance.picture import Picture

BATCH = 16


@dataclass(frozen=True, slots=True)
class Measured:
    """What a classifier said of one file.

    Attributes:
        sample: the file.
        scores: by category.
        looks: to find its copies.
        evidence: raw logits by category; empty for classifiers that cannot be calibrated.
    """

    sample: Sample
    scores: Mapping[str, float]
    looks: Looks = field(repr=False)
    evidence: Mapping[str, float] = field(default_factory=dict)


def batches(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    """The samples in parts that are worth a call of a tower."""
    return [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]


def opened(
    samples: Sequence[Sample], limits: Limits, on_skip: Callable[[Sample, InputError], None]
) -> Iterator[tuple[Sample, Picture]]:
    """The pictures that can be read; `on_skip` is told of each other one."""
    for sample in samples:
        try:
            yield sample, Picture.open(sample.path, limits=limits)
        except InputError as error:
            on_skip(sample, error)


def measure(
    classifier: PictureClassifier,
    samples: Sequence[Sample],
    limits: Limits,
    on_skip: Callable[[Sample, InputError], None],
) -> list[Measured]:
    """Scores of one batch."""
    read = list(opened(samples, limits, on_skip))
    pictures = [picture for _, picture in read]
    scores = _many(classifier, pictures)
    raw: Sequence[Mapping[str, float]] = [{} for _ in read]
    if can_be_calibrated(classifier):
        raw = classifier.evidence_many(pictures)  # type: ignore[attr-defined]  # just checked
    return [
        Measured(sample, said, look(picture), evidence)
        for (sample, picture), said, evidence in zip(read, scores, raw, strict=True)
    ]


def can_be_calibrated(classifier: PictureClassifier) -> bool:
    """Whether it is `Calibratable` as well."""
    return hasattr(classifier, "evidence_many") and hasattr(classifier, "digests")


def with_category(
    unsafe: Sequence[Measured], categories: Sequence[str], only: str | None
) -> dict[str, list[Measured]]:
    """The unsafe pictures of each category.

    All of them where there is one category; else by the first folder, which has its name.

    Raises:
        InputError: a folder is named like no category.
    """
    if only is not None or len(categories) == 1:
        return {only or categories[0]: list(unsafe)}
    found: dict[str, list[Measured]] = {}
    for each in unsafe:
        if each.sample.source not in categories:
            raise InputError(
                f"{each.sample.path} is in no folder named like a category; expected folders such "
                f"as {categories[0]} inside the one of unsafe pictures, or --category"
            )
        found.setdefault(each.sample.source, []).append(each)
    return found


def fit_all(
    categories: Sequence[str],
    safe: Sequence[Measured],
    unsafe: Mapping[str, Sequence[Measured]],
    bound: float,
    calibration: Calibration | None = None,
) -> list[Fit]:
    """A threshold for each category but those of the floor, which no fitting can move.

    With a calibration, thresholds are on its probabilities. Copies of a picture count once.
    """
    groups = copies([each.looks.digest for each in safe])
    found = []
    for category in categories:
        if category in FLOOR:
            continue
        curve = calibration.curves.get(category) if calibration else None
        mine = list(unsafe.get(category, ()))
        others = copies([each.looks.digest for each in mine])
        found.append(
            fit(
                category,
                once([_score(each, category, curve) for each in safe], groups, highest=True),
                once([_score(each, category, curve) for each in mine], others, highest=False),
                bound,
            )
        )
    return found


def calibrate(
    classifier: Calibratable,
    safe: Sequence[Measured],
    unsafe: Mapping[str, Sequence[Measured]],
) -> Calibration:
    """Curves for each category that there are unsafe pictures of.

    Raises:
        InputError: there are too few, or they do not score higher than safe ones.
    """
    curves = {}
    for category, mine in unsafe.items():
        if category not in classifier.digests:
            continue
        curves[category] = fit_curve(
            [each.evidence[category] for each in safe],
            [each.evidence[category] for each in mine],
            classifier.digests[category],
        )
    if not curves:
        raise InputError("there are no unsafe pictures to calibrate with; give --unsafe DIR")
    return Calibration(classifier.identity, curves)


def _score(each: Measured, category: str, curve: Curve | None) -> float:
    return float(each.scores[category]) if curve is None else curve(each.evidence[category])


def _many(
    classifier: PictureClassifier, pictures: Sequence[Picture]
) -> Sequence[Mapping[str, float]]:
    many = getattr(classifier, "scores_many", None)
    if many is None:
        return [classifier.scores(picture) for picture in pictures]
    found: Sequence[Mapping[str, float]] = many(pictures)
    return found
