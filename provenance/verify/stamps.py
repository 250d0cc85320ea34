"""Looks for the fixed marks that Stable Diffusion and FLUX pipelines stamp into pictures."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.watermark.stamps import read_stamps


class StampCheck:
    """Reads the stamps of known pipelines. They are public, so they claim and never verify."""

    name = "stamps"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """The best agreeing stamp with its false-positive rate, or none, or not checked."""
        picture = subject.picture
        if not isinstance(picture, Picture):
            return (
                Evidence(
                    self.name,
                    "stamps.no-pixels",
                    Status.UNCHECKED,
                    f"The stamps of known pipelines were not looked for: {picture}",
                ),
            )
        reading = read_stamps(picture)
        if not reading.found:
            return (
                Evidence(
                    self.name,
                    "stamps.none",
                    Status.ABSENT,
                    "No stamp of Stable Diffusion or FLUX was found. JPEG compression removes "
                    "them, so this says nothing about where the picture comes from.",
                ),
            )
        total = len(reading.stamp.bits)
        return (
            Evidence(
                self.name,
                "stamps.found",
                Status.CLAIMED,
                f"The pixels carry the stamp that {reading.stamp.name} pipelines write "
                f"({reading.matching} of {total} bits agree). The stamp is public: anybody can "
                "write it.",
                origin=Origin.GENERATED,
                score=reading.matching / total,
                false_positive_rate=reading.false_positive_rate,
                details={
                    "generator": reading.stamp.name,
                    "matching_bits": reading.matching,
                    "bits": total,
                },
            ),
        )
