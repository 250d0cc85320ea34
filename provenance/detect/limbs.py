"""Says that limbs and faces were not judged, and why.

Whoever reads a report has to know what it does not cover. models/faces/card.md has what was tried:
no cue of MediaPipe's face networks told generated faces from photographed ones, and its pose
network gives two arms and two legs, whatever it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from provenance.detect.tell import unchecked
from provenance.evidence import Evidence
from provenance.verify.interface import Subject


class LimbsCheck:
    """Judges neither limbs nor faces, and says so in every report."""

    name = "limbs"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Two pieces of evidence, whatever the picture is."""
        del subject
        return (
            unchecked(
                "limbs.not-checked",
                "Limbs were not counted: the pose network that is at hand gives two arms and two "
                "legs, whatever it is shown.",
                "Count them yourself, and follow each to its end.",
            ),
            unchecked(
                "faces.not-checked",
                "Faces were not judged: nothing that was measured on them told generated faces "
                "from photographed ones.",
                "Look at eyes, teeth and ears yourself; faces in a crowd are drawn worst.",
            ),
        )
