"""Collects what the file says of itself. Claims never verify: anybody can write them."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.claims import generators, iptc
from provenance.claims.interface import Claim, ClaimReader
from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject

READERS: tuple[ClaimReader, ...] = (iptc.read, generators.read)
"""Every family that is read, in the order of the report."""


class ClaimsCheck:
    """Reads unsigned metadata: IPTC source type and generator parameters."""

    name = "claims"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """One piece of evidence for each claim, or one that says there are none."""
        picture = subject.picture
        if not isinstance(picture, Picture):
            return (
                Evidence(
                    self.name,
                    "claims.unsupported",
                    Status.UNCHECKED,
                    f"Metadata was not read: {picture}",
                ),
            )
        claims = [claim for read in READERS for claim in read(picture.metadata)]
        if not claims:
            return (
                Evidence(
                    self.name,
                    "claims.none",
                    Status.ABSENT,
                    "The metadata says nothing about a generator. Metadata is easily removed, so "
                    "this says nothing about where the picture comes from.",
                ),
            )
        return tuple(_evidence(claim) for claim in claims)


def _evidence(claim: Claim) -> Evidence:
    what = {
        Origin.GENERATED: "was generated with AI",
        Origin.EDITED: "was edited with AI",
    }.get(claim.origin, "has the source type " + str(claim.details.get("source_type", "unknown")))
    by = f" by {claim.generator}" if claim.generator else ""
    return Evidence(
        "claims",
        f"claims.{claim.family}",
        Status.CLAIMED,
        f"{claim.field} says that the picture {what}{by}. Anybody can write this.",
        origin=claim.origin,
        details={"generator": claim.generator, **claim.details},
    )
