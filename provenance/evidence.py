"""What every check returns (`Evidence`), and what is concluded from it (`Verdict`, `Report`).

Results are data. A check states what it found and never concludes; only a policy makes a verdict.
Absence of evidence is *unknown*: neither authentic nor generated, and no word here says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA = "provenance.report/2"
"""Version of the JSON form of `Report`; the number rises when a field changes its meaning. The form
is published in docs/report-schema.json."""


class Status(StrEnum):
    """How far one piece of evidence can be relied upon."""

    VERIFIED = "verified"
    """Checked, and it holds."""
    FAILED = "failed"
    """Checked, and it does not hold."""
    CLAIMED = "claimed"
    """The file says so; nothing that you trust vouches for it."""
    SUGGESTED = "suggested"
    """The pixels look so. Measured, and at times wrong: the false-positive rate says how often."""
    ABSENT = "absent"
    """Looked for, not found. Says nothing about the picture."""
    UNCHECKED = "unchecked"
    """Could not be looked for; the explanation says why."""


class Outcome(StrEnum):
    """What the evidence as a whole allows one to say."""

    VERIFIED = "verified"
    """An authenticated statement about this picture was found and holds."""
    FAILED = "failed"
    """A check failed: the picture is not what its credentials were made for."""
    UNKNOWN = "unknown"
    """Nothing was found that can be relied upon."""


class Origin(StrEnum):
    """Where the picture comes from, as far as the evidence goes."""

    GENERATED = "generated"
    """Made by a generative model."""
    EDITED = "edited with AI"
    """Made otherwise, then altered by a generative model."""
    OTHER = "not stated as AI"
    """Trusted credentials name another source, such as a camera; they are as good as the signer."""
    UNKNOWN = "unknown"


class Result(StrEnum):
    """The answer for people, in one of five words. A picture without signals is *unknown*."""

    GENERATED = "generated"
    """An authenticated statement says so, or the pixels do and the bar on their odds is passed."""
    EDITED = "edited with AI"
    """An authenticated statement says so."""
    CAMERA = "camera original (signed)"
    """A signer whom you trust says that a camera took it; as good as that signer."""
    CONFLICTING = "conflicting"
    """Statements of the same worth contradict each other."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Box:
    """A place in the picture, in pixels of the upright picture; right and bottom lie outside.

    Attributes:
        left: first column.
        top: first row.
        right: one past the last column.
        bottom: one past the last row.
        label: what was seen there, in a few words.
        score: uncalibrated score of what was seen, or None.
    """

    left: int
    top: int
    right: int
    bottom: int
    label: str = ""
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "left": self.left,
            "top": self.top,
            "right": self.right,
            "bottom": self.bottom,
            "label": self.label,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Weight:
    """How much likelier this evidence is on generated pictures than on others, as measured.

    Attributes:
        ratio: the likelihood ratio; 1 says nothing.
        low: lower end of its 95 % interval, at least 0.
        high: upper end.
        generated: generated pictures that it was measured on.
        others: other pictures that it was measured on.
    """

    ratio: float
    low: float
    high: float
    generated: int
    others: int

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "ratio": self.ratio,
            "interval95": [self.low, self.high],
            "generated": self.generated,
            "others": self.others,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that a check found, looked for in vain, or could not look for.

    Attributes:
        source: the check, such as `credentials`, `watermark`, `claims`.
        code: stable dotted name for programs, such as `credentials.trusted`.
        status: how far it can be relied upon.
        explanation: what it means, in one or two plain sentences.
        advice: what to do about it; empty when there is nothing to do.
        origin: what it says of the picture's origin.
        score: uncalibrated score of a detector, or None.
        false_positive_rate: probability that a picture without the thing gives this evidence;
            None means that it is not calibrated, or not applicable.
        details: facts for programs, ready for JSON.
        boxes: where in the picture it was seen.
        weight: what it is worth as evidence of generation; None where nobody measured that.
        heat: how strongly each part of the picture gave it: rows from the top of values in [0, 1],
            over the whole picture, at most 64 a side; empty where the check gives none.
    """

    source: str
    code: str
    status: Status
    explanation: str
    advice: str = ""
    origin: Origin = Origin.UNKNOWN
    score: float | None = None
    false_positive_rate: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    weight: Weight | None = None
    heat: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "source": self.source,
            "code": self.code,
            "status": self.status.value,
            "explanation": self.explanation,
            "advice": self.advice,
            "origin": self.origin.value,
            "score": self.score,
            "false_positive_rate": self.false_positive_rate,
            "details": dict(self.details),
            "boxes": [box.to_dict() for box in self.boxes],
            "weight": self.weight.to_dict() if self.weight else None,
            "heat": [list(row) for row in self.heat],
        }


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two things that were found and cannot both be so.

    Attributes:
        code: stable dotted name, such as `contradiction.camera-and-generated`.
        sentence: what contradicts what, for people.
        between: codes of the evidence.
        decisive: neither side is worth more than the other, so no answer is given.
    """

    code: str
    sentence: str
    between: tuple[str, ...]
    decisive: bool

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "between": list(self.between),
            "decisive": self.decisive,
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was found, and what it did for the verdict.

    Attributes:
        code: of the evidence.
        sentence: what was found, and why it counts or does not.
        counted: the verdict rests on it.
        weight: its measured likelihood ratio, or None.
    """

    code: str
    sentence: str
    counted: bool
    weight: Weight | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "counted": self.counted,
            "weight": self.weight.to_dict() if self.weight else None,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy concludes from the evidence.

    Attributes:
        outcome: verified, failed or unknown.
        origin: generated, edited with AI, not stated as AI, or unknown.
        headline: one sentence for people.
        because: codes of the evidence that the verdict rests on, weightiest first.
        advice: what to do next; empty when there is nothing to do.
        result: the answer for people.
        probability: that it was generated, by what the pixels suggest alone; None where nothing
            measured was found, or where a signature or mark answers.
        interval: 95 % interval of `probability`, or None likewise.
        prior: share of generated pictures that `probability` assumes where this one comes from.
        contradictions: things found that cannot both be so.
        reasons: everything found, weightiest first.
        coverage: for how many pictures an answer can be given, and what was not looked for here.
    """

    outcome: Outcome
    origin: Origin
    headline: str
    because: tuple[str, ...] = ()
    advice: str = ""
    result: Result = Result.UNKNOWN
    probability: float | None = None
    interval: tuple[float, float] | None = None
    prior: float = 0.5
    contradictions: tuple[Contradiction, ...] = ()
    reasons: tuple[Reason, ...] = ()
    coverage: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "outcome": self.outcome.value,
            "origin": self.origin.value,
            "headline": self.headline,
            "because": list(self.because),
            "advice": self.advice,
            "result": self.result.value,
            "probability": self.probability,
            "interval95": list(self.interval) if self.interval else None,
            "prior": self.prior,
            "contradictions": [c.to_dict() for c in self.contradictions],
            "reasons": [r.to_dict() for r in self.reasons],
            "coverage": self.coverage,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `verify` says of one file.

    Attributes:
        name: file name as given, or `-`.
        sha256: hash of the bytes that were examined, in hexadecimal.
        size: number of those bytes.
        media_type: by content, not by name.
        width: columns in pixels, or None where pixels could not be decoded.
        height: rows in pixels, or None likewise.
        verdict: the conclusion.
        evidence: all findings, in the order of the checks.
        timings: wall seconds of each check.
    """

    name: str
    sha256: str
    size: int
    media_type: str
    width: int | None
    height: int | None
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    timings: Mapping[str, float] = field(default_factory=dict)

    def find(self, source: str) -> tuple[Evidence, ...]:
        """The evidence of one check."""
        return tuple(e for e in self.evidence if e.source == source)

    @property
    def unchecked(self) -> tuple[Evidence, ...]:
        """What could not be looked for, with the reasons."""
        return tuple(e for e in self.evidence if e.status is Status.UNCHECKED)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, with the schema's version."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "sha256": self.sha256,
            "bytes": self.size,
            "media_type": self.media_type,
            "width": self.width,
            "height": self.height,
            "verdict": self.verdict.to_dict(),
            "evidence": [e.to_dict() for e in self.evidence],
            "timings_ms": {name: round(1000 * s, 2) for name, s in self.timings.items()},
        }
