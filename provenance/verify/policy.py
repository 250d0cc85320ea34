"""Turns evidence into a verdict. The only place that concludes."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.evidence import Evidence, Origin, Outcome, Status, Verdict

_SAYS = {
    Origin.GENERATED: "generated with AI",
    Origin.EDITED: "edited with AI",
    Origin.OTHER: "not stated as AI",
    Origin.UNKNOWN: "of unstated origin",
}

_FAILED = {
    "credentials.revoked": "Signed with a key that you have revoked.",
    "credentials.altered": "Changed after it was signed, or carrying another file's credentials.",
    "credentials.damaged": "Its credentials are damaged or forged.",
    "credentials.unreadable": "Its credentials are damaged and cannot be read.",
    "recovery.transplanted": "Carries a watermark that belongs to another picture.",
    "credentials.parent-altered": "The history in its credentials does not hold.",
}


class StandardPolicy:
    """Credentials first, then the watermark; claims alone never verify.

    1. A failed check fails the picture, whatever else was found.
    2. Trusted credentials verify it.
    3. A watermark under your key verifies where it comes from, not that it is unchanged.
    4. Anything else is unknown, also when the file claims something.
    """

    def judge(self, evidence: Sequence[Evidence]) -> Verdict:
        """The conclusion, with the codes that it rests on."""
        failed = [e for e in evidence if e.status is Status.FAILED]
        verified = [e for e in evidence if e.status is Status.VERIFIED]
        claimed = [e for e in evidence if e.status is Status.CLAIMED]
        if failed:
            return Verdict(
                Outcome.FAILED,
                Origin.UNKNOWN,
                _FAILED.get(failed[0].code, failed[0].explanation) + _also_marked(failed, verified),
                tuple(e.code for e in (*failed, *verified)),
                failed[0].advice,
            )
        if verified:
            first = verified[0]
            origin = _origin(verified)
            if first.source == "watermark":
                headline = _marked(verified) + _why_not(evidence)
            else:
                headline = _vouched(first, origin) + _broken_history(claimed)
            return Verdict(
                Outcome.VERIFIED, origin, headline, tuple(e.code for e in verified), first.advice
            )
        saying = [e for e in claimed if e.origin is not Origin.UNKNOWN and e.source != "recovery"]
        if saying:
            return Verdict(
                Outcome.UNKNOWN,
                Origin.UNKNOWN,
                f"The file says that it is {_SAYS[saying[0].origin]}, but nothing that you trust "
                "vouches for it.",
                tuple(e.code for e in claimed),
                next((e.advice for e in claimed if e.advice), ""),
            )
        if any(e.code == "recovery.found-by-fingerprint" for e in claimed):
            return Verdict(
                Outcome.UNKNOWN,
                Origin.UNKNOWN,
                "Looks like a picture that you issued, and nothing but its looks says so.",
                tuple(e.code for e in claimed),
                next((e.advice for e in claimed if e.advice), ""),
            )
        return Verdict(
            Outcome.UNKNOWN,
            Origin.UNKNOWN,
            "Nothing was found that can be relied upon. That is no sign in either direction: "
            "pictures of every origin look like this.",
            tuple(e.code for e in claimed),
            next((e.advice for e in claimed if e.advice), ""),
        )


def _origin(verified: Sequence[Evidence]) -> Origin:
    """The first that names AI, or else the first stated; evidence comes in the order of its weight.

    Your mark in a picture that a trusted signer calls a photograph is not to be passed over.
    """
    stated = [e.origin for e in verified if e.origin is not Origin.UNKNOWN]
    named = [origin for origin in stated if origin is not Origin.OTHER]
    return next(iter(named + stated), Origin.UNKNOWN)


def _vouched(credentials: Evidence, origin: Origin) -> str:
    """What the trusted signer says, and what only your mark says."""
    signer = credentials.details.get("signer") or "a signer"
    vouched = f"signed by {signer}, whom you trust, and unchanged since."
    said = _SAYS[credentials.origin]
    if origin is credentials.origin:
        return f"{said[0].upper()}{said[1:]}: {vouched}"
    return f"{_SAYS[origin][0].upper()}{_SAYS[origin][1:]}, says your watermark; {said}, {vouched}"


def _broken_history(claimed: Sequence[Evidence]) -> str:
    if any(e.code == "credentials.parent-not-verified" for e in claimed):
        return " A picture that it was made from had already failed its checks."
    return ""


def _marked(verified: Sequence[Evidence]) -> str:
    """What your mark says, and where it leads."""
    recovered = next((e for e in verified if e.code == "recovery.found-by-watermark"), None)
    if recovered is None:
        return "Carries your watermark. "
    signer = recovered.details.get("signer") or "a signer"
    return f"Carries your watermark, which leads to credentials that {signer} signed. "


def _also_marked(failed: Sequence[Evidence], verified: Sequence[Evidence]) -> str:
    if any(e.code == "recovery.transplanted" for e in failed):
        return ""
    if any(e.source == "watermark" for e in verified):
        return " Its watermark shows that it, or what it was made from, was marked by you."
    return ""


def _why_not(evidence: Sequence[Evidence]) -> str:
    """Why the credentials do not verify the picture as well."""
    first = next((e for e in evidence if e.source == "credentials"), None)
    if first is None or first.status is Status.UNCHECKED:
        return "Its credentials were not checked, so it may have been edited since it was made."
    if first.status is Status.ABSENT:
        return "Its credentials are missing, so it may have been edited since it was made."
    if first.code == "credentials.expired":
        return "Its credentials are intact, but their certificate has expired."
    return "Its credentials are intact but not by a signer on your trust list."
