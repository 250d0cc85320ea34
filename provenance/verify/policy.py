"""Turns evidence into a verdict. The only place that concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from provenance.evidence import Evidence, Origin, Outcome, Result, Status, Verdict
from provenance.verify.contradictions import find, is_camera_original, names_mark, says_camera
from provenance.verify.fusion import BAR, EVEN, Fused, check_prior, fuse, suggests
from provenance.verify.reasons import coverage, reasons

_SAYS = {
    Origin.GENERATED: "generated with AI",
    Origin.EDITED: "edited with AI",
    Origin.OTHER: "not stated as AI",
    Origin.UNKNOWN: "of unstated origin",
}

_AI = (Origin.GENERATED, Origin.EDITED)

_FAILED = {
    "credentials.revoked": "Signed with a key that you have revoked.",
    "credentials.altered": "Changed after it was signed, or carrying another file's credentials.",
    "credentials.damaged": "Its credentials are damaged or forged.",
    "credentials.unreadable": "Its credentials are damaged and cannot be read.",
    "recovery.transplanted": "Carries a watermark that belongs to another picture.",
    "credentials.parent-altered": "The history in its credentials does not hold.",
}


class StandardPolicy:
    """Credentials first, then the watermark; claims alone never verify, and neither do looks.

    1. A failed check fails the picture, whatever else was found.
    2. Trusted credentials verify it.
    3. A watermark under your key verifies where it comes from, not that it is unchanged.
    4. Anything else is unknown, also when the file claims something.

    The result follows the outcome, but for two things: what the pixels suggest can make it
    *generated*, if the whole interval of the probability lies above the bar; and statements of
    the same worth that contradict each other make it *conflicting*.

    Args:
        prior: share of generated pictures where the picture comes from; even odds unless known.
        bar: what the lower end of the interval must reach.

    Raises:
        ConfigError: the prior is not between 0 and 1.
    """

    def __init__(self, prior: float = EVEN, bar: float = BAR) -> None:
        check_prior(prior)
        self._prior = prior
        self._bar = bar

    def judge(self, evidence: Sequence[Evidence]) -> Verdict:
        """The conclusion, with the codes that it rests on."""
        fused = fuse(evidence, self._prior)
        looks_generated = fused is not None and fused.interval[0] >= self._bar
        contradictions = find(evidence, looks_generated=looks_generated)
        verdict = _concluded(evidence, fused if looks_generated else None)
        conflict = next((c for c in contradictions if c.decisive), None)
        result = Result.CONFLICTING if conflict else _result(verdict, evidence, looks_generated)
        if conflict and verdict.outcome is Outcome.UNKNOWN:
            verdict = replace(verdict, headline=conflict.sentence, because=conflict.between)
        by_looks = verdict.outcome is not Outcome.VERIFIED or (
            conflict is not None and conflict.code == "contradiction.camera-and-looks"
        )
        shown = fused if by_looks else None
        return replace(
            verdict,
            result=result,
            probability=shown.probability if shown else None,
            interval=shown.interval if shown else None,
            prior=self._prior,
            contradictions=contradictions,
            reasons=reasons(evidence, shown),
            coverage=coverage(evidence),
        )


def _result(verdict: Verdict, evidence: Sequence[Evidence], looks_generated: bool) -> Result:
    if verdict.outcome is Outcome.VERIFIED:
        if verdict.origin is Origin.GENERATED:
            return Result.GENERATED
        if verdict.origin is Origin.EDITED:
            return Result.EDITED
        return Result.CAMERA if is_camera_original(evidence) else Result.UNKNOWN
    return Result.GENERATED if looks_generated else Result.UNKNOWN


def _concluded(evidence: Sequence[Evidence], looks: Fused | None) -> Verdict:
    failed = [e for e in evidence if e.status is Status.FAILED]
    verified = [e for e in evidence if e.status is Status.VERIFIED]
    if failed:
        return Verdict(
            Outcome.FAILED,
            Origin.UNKNOWN,
            _FAILED.get(failed[0].code, failed[0].explanation) + _also_marked(failed, verified),
            tuple(e.code for e in (*failed, *verified)),
            failed[0].advice,
        )
    if verified:
        return _verified(verified, evidence)
    claimed = [e for e in evidence if e.status is Status.CLAIMED]
    counted = looks.counted if looks else ()
    return Verdict(
        Outcome.UNKNOWN,
        Origin.UNKNOWN,
        _unknown(evidence, looks),
        tuple(e.code for e in (*counted, *claimed)),
        next((e.advice for e in claimed if e.advice), ""),
    )


def _verified(verified: Sequence[Evidence], evidence: Sequence[Evidence]) -> Verdict:
    first = verified[0]
    origin = _origin(verified)
    if first.source == "watermark":
        headline = _marked(verified) + _why_not(evidence)
    else:
        headline = _vouched(first, origin, camera=is_camera_original(evidence))
        headline += _broken_history(evidence)
    return Verdict(
        Outcome.VERIFIED, origin, headline, tuple(e.code for e in verified), first.advice
    )


def _unknown(evidence: Sequence[Evidence], looks: Fused | None) -> str:
    """The headline where nothing can be relied upon, strongest hint first."""
    if looks is not None:
        sources = ", ".join(dict.fromkeys(e.source for e in looks.counted))
        return (
            f"Probably generated with AI: its pixels look so ({sources}), as measured. Looks are "
            "at times wrong, and nothing that you trust vouches for it."
        )
    claimed = [e for e in evidence if e.status is Status.CLAIMED]
    saying = [e for e in claimed if e.origin in _AI and e.source != "recovery"]
    if saying:
        return (
            f"The file says that it is {_SAYS[saying[0].origin]}, but nothing that you trust "
            "vouches for it."
        )
    if any(e.code == "recovery.found-by-fingerprint" for e in claimed):
        return "Looks like a picture that you issued, and nothing but its looks says so."
    hints = dict.fromkeys(e.source for e in evidence if suggests(e))
    if hints:
        return (
            f"Something in the pixels looks generated ({', '.join(hints)}), which is too weak for "
            "an answer."
        )
    return (
        "Nothing was found that can be relied upon. That is no sign in either direction: pictures "
        "of every origin look like this."
    )


def _origin(verified: Sequence[Evidence]) -> Origin:
    """The first that names AI, or else the first stated; evidence comes in the order of its weight.

    Your mark in a picture that a trusted signer calls a photograph is not to be passed over. But
    where trusted credentials name that very mark and another source, such as the algorithm that
    drew a placeholder, they say what was marked, and the mark says no more than they do.
    """
    told = [e for e in verified if e.origin is Origin.OTHER and not says_camera(e)]
    stated = [
        e.origin
        for e in verified
        if e.origin is not Origin.UNKNOWN and not any(names_mark(other, e) for other in told)
    ]
    named = [origin for origin in stated if origin is not Origin.OTHER]
    return next(iter(named + stated), Origin.UNKNOWN)


def _vouched(credentials: Evidence, origin: Origin, *, camera: bool) -> str:
    """What the trusted signer says, and what only your mark says."""
    signer = credentials.details.get("signer") or "a signer"
    vouched = f"signed by {signer}, whom you trust, and unchanged since."
    said = "taken with a camera" if camera else _SAYS[credentials.origin]
    if origin is credentials.origin:
        return f"{said[0].upper()}{said[1:]}: {vouched}"
    return f"{_SAYS[origin][0].upper()}{_SAYS[origin][1:]}, says your watermark; {said}, {vouched}"


def _broken_history(evidence: Sequence[Evidence]) -> str:
    if any(e.code == "credentials.parent-not-verified" for e in evidence):
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
