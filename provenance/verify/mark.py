"""Looks for our own watermark in the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.watermark.interface import Payload, Reading, Watermarker


class MarkCheck:
    """Reads the watermark under each of your keys.

    Args:
        watermarkers: the scheme with each key, the one in use first; none is reported.
    """

    name = "watermark"

    def __init__(self, *watermarkers: Watermarker) -> None:
        self._watermarkers = watermarkers

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Found with its false-positive rate, not found, or not checked and why."""
        if not self._watermarkers:
            return (
                _unchecked(
                    "watermark.no-key",
                    "The watermark was not looked for: there is no key to read it with.",
                    "Run provenance init, or give --config.",
                ),
            )
        picture = subject.picture
        if not isinstance(picture, Picture):
            return (
                _unchecked(
                    "watermark.no-pixels", f"The watermark was not looked for: {picture}.", ""
                ),
            )
        for number, watermarker in enumerate(self._watermarkers):
            reading = watermarker.extract(picture)
            if reading.payload is not None:
                return (self._found(watermarker, reading.payload, reading, number),)
        smallest = min(w.smallest_side for w in self._watermarkers)
        if min(picture.width, picture.height) < smallest:
            return (
                _unchecked(
                    "watermark.too-small",
                    f"The picture has {picture.width}×{picture.height} pixels; a mark needs "
                    f"{smallest} on the shorter side to be read reliably.",
                    "",
                ),
            )
        return (
            Evidence(
                "watermark",
                "watermark.none",
                Status.ABSENT,
                "No mark made with your key was found. Strong edits remove a mark, and pictures "
                "of others never had it, so this says nothing about where it comes from.",
                details={"algorithm": self._watermarkers[0].algorithm},
            ),
        )

    def _found(
        self, watermarker: Watermarker, payload: Payload, reading: Reading, number: int
    ) -> Evidence:
        """The evidence of a mark. Each key tried is one more chance to find one in error."""
        rate = min(1.0, reading.false_positive_rate * len(self._watermarkers))
        facts = {"algorithm": watermarker.algorithm, "retired_key": number > 0, **reading.details}
        return Evidence(
            "watermark",
            "watermark.found",
            Status.VERIFIED,
            "The pixels carry a mark made with your key: this picture, or one that it was made "
            "from, was marked by you. It may have been edited since.",
            origin=Origin.GENERATED,
            false_positive_rate=rate,
            details={"payload": payload.hex, **facts},
        )


def _unchecked(code: str, explanation: str, advice: str) -> Evidence:
    return Evidence("watermark", code, Status.UNCHECKED, explanation, advice)
