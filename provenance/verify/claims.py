"""Collects what the file says of itself. Claims never verify: anybody can write them."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.claims.camera import with_likeness
from provenance.claims.exif import Exif
from provenance.claims.fields import Fields
from provenance.claims.headers import read_headers
from provenance.claims.interface import Claim
from provenance.claims.readers import claims_in
from provenance.claims.stealth import stealth_texts
from provenance.claims.thumbnail import likeness
from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Picture
from provenance.verify.interface import Subject

_SAYS = {
    Origin.GENERATED: "says that the picture was generated with AI",
    Origin.EDITED: "says that the picture was edited with AI",
    Origin.OTHER: "names another source than AI",
    Origin.UNKNOWN: "says nothing of the picture's origin",
}


class ClaimsCheck:
    """Reads unsigned metadata: labels, generator parameters, software, cameras."""

    name = "claims"

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """One piece of evidence for each claim, or one that says there are none."""
        headers = read_headers(subject.data)
        if not headers.kind:
            return (
                Evidence(
                    self.name,
                    "claims.unsupported",
                    Status.UNCHECKED,
                    f"Metadata was not read: the file is {subject.media_type}, whose metadata we "
                    "cannot read",
                ),
            )
        picture = subject.picture
        if isinstance(picture, Picture):
            claims = claims_in(Fields(headers, stealth_texts(picture)))
            claims = tuple(_compared(claim, headers.tags, picture) for claim in claims)
        else:
            claims = claims_in(Fields(headers))
        if not claims:
            return (
                Evidence(
                    self.name,
                    "claims.none",
                    Status.ABSENT,
                    "The metadata says nothing about a generator. Metadata is easily removed, so "
                    "this says nothing about where the picture comes from.",
                    details={"skipped": list(headers.notes)} if headers.notes else {},
                ),
            )
        return tuple(evidence_of(claim) for claim in claims)


def _compared(claim: Claim, tags: Exif, picture: Picture) -> Claim:
    """A camera's claim with what its thumbnail shows; any other as it is."""
    if claim.family != "camera" or not tags.thumbnail:
        return claim
    alike = likeness(tags.thumbnail, tags.orientation, picture)
    return claim if alike is None else with_likeness(claim, alike)


def evidence_of(claim: Claim) -> Evidence:
    """The claim as a piece of evidence; its prompt is in the details, not in the sentence."""
    what = f"says that the picture {claim.says}" if claim.says else _SAYS[claim.origin]
    made = claim.origin in (Origin.GENERATED, Origin.EDITED) and not claim.says
    by = f" by {claim.generator}" if made and claim.generator else ""
    sentence = f"{claim.field} {what}{by}. Anybody can write this."
    return Evidence(
        "claims",
        f"claims.{claim.family}",
        Status.CLAIMED,
        "".join(letter if letter.isprintable() else " " for letter in sentence),
        origin=claim.origin,
        details=claim.to_dict(),
    )
