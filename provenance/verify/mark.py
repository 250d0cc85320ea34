"""Looks for our own watermark in the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.watermark.interface import Watermarker


class MarkCheck:
    """Reads the watermark under your key.

    Args:
        watermarker: the scheme with its key, or None when there is no key, which is reported.
    """

    name = "watermark"

    def __init__(self, watermarker: Watermarker | None) -> None:
        self._watermarker = watermarker

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Found with its false-positive rate, not found, or not checked and why."""
        if self._watermarker is None:
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
        smallest = self._watermarker.smallest_side
        reading = self._watermarker.extract(picture)
        details = {"algorithm": self._watermarker.algorithm, **reading.details}
        if reading.payload is not None:
            return (
                Evidence(
                    "watermark",
                    "watermark.found",
                    Status.VERIFIED,
                    "The pixels carry a mark made with your key. This picture, or one that it was "
                    "made from, came out of your pipeline; it may have been edited since.",
                    origin=Origin.GENERATED,
                    false_positive_rate=reading.false_positive_rate,
                    details={"payload": reading.payload.hex, **details},
                ),
            )
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
                details=details,
            ),
        )


def _unchecked(code: str, explanation: str, advice: str) -> Evidence:
    return Evidence("watermark", code, Status.UNCHECKED, explanation, advice)
