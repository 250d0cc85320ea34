"""Names what was found and cannot all be so.

A contradiction decides nothing by itself. It stops the answer (`decisive`) only where neither side
is worth more than the other: what is verified outweighs what is merely claimed, so that nobody can
cloud a signed statement by writing another beside it. A claim *inside* a file whose signature holds
is another matter: the signer signed both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provenance.claims.vendors import vendor_of
from provenance.evidence import Contradiction, Evidence, Origin, Status
from provenance.sign.source_types import SourceType
from provenance.verify.fusion import suggests

CAPTURES = frozenset({SourceType.CAPTURE.value, SourceType.COMPUTATIONAL_CAPTURE.value})
"""Source types of a camera's own file."""

_CREATED = "c2pa.created"
_UNCHANGING = frozenset(
    {
        _CREATED,
        "c2pa.published",
        "c2pa.repackaged",
        "c2pa.transcoded",
        "c2pa.watermarked",
        "c2pa.watermarked.bound",
        "c2pa.watermarked.unbound",
    }
)
"""Actions that leave what is to be seen as it was. Any other, also an unknown one, is a change."""
_SAYING = (Status.VERIFIED, Status.CLAIMED)


def find(evidence: Sequence[Evidence], *, looks_generated: bool) -> tuple[Contradiction, ...]:
    """All contradictions, decisive ones first.

    Args:
        evidence: of all checks.
        looks_generated: the bar on what the pixels suggest was passed.
    """
    found = [
        *_camera_and_generated(evidence, looks_generated),
        *_camera_and_looks(evidence, looks_generated),
        *_moved_mark(evidence),
        *_two_vendors(evidence),
    ]
    return tuple(sorted(found, key=lambda c: not c.decisive))


def says_camera(evidence: Evidence) -> bool:
    """Whether it states, truly or not, that a camera took the picture."""
    if evidence.status not in _SAYING or evidence.source == "recovery":
        return False
    if evidence.source == "credentials":
        return any(
            action.get("action") == _CREATED and action.get("source_type") in CAPTURES
            for action in evidence.details.get("actions", ())
        )
    return evidence.code == "claims.camera" or evidence.details.get("source_type") in CAPTURES


def is_camera_original(evidence: Sequence[Evidence]) -> bool:
    """Whether a trusted signer says that a camera took it, and names no change or other picture."""
    if any(e.code == "credentials.parent-not-verified" for e in evidence):
        return False
    return any(
        e.source == "credentials"
        and e.status is Status.VERIFIED
        and e.origin is Origin.OTHER
        and says_camera(e)
        and not e.details.get("ingredients")
        and all(a.get("action") in _UNCHANGING for a in e.details.get("actions", ()))
        for e in evidence
    )


def named_marks(credentials: Evidence, mark: Evidence) -> frozenset[str]:
    """The payloads that the credentials name for the scheme of this mark."""
    return frozenset(
        binding["payload"]
        for binding in credentials.details.get("soft_bindings", ())
        if binding.get("algorithm") == mark.details.get("algorithm") and binding.get("payload")
    )


def names_mark(credentials: Evidence, mark: Evidence) -> bool:
    """Whether the credentials name this very mark as the one in the pixels."""
    return (
        credentials.source == "credentials"
        and mark.code == "watermark.found"
        and mark.details.get("payload") in named_marks(credentials, mark)
    )


def _says_generated(evidence: Evidence) -> bool:
    return evidence.status in _SAYING and evidence.origin is Origin.GENERATED


def _camera_and_generated(
    evidence: Sequence[Evidence], looks_generated: bool
) -> Iterator[Contradiction]:
    """A camera's statement beside one of generation; *edited with AI* goes with a camera."""
    cameras = [e for e in evidence if says_camera(e) and not _says_generated(e)]
    generated = [e for e in evidence if _says_generated(e) and e.source != "recovery"]
    if not cameras or not generated:
        return
    cameras, generated = _weightiest(cameras), _weightiest(generated)
    signed = cameras[0].status is Status.VERIFIED
    marked = generated[0].status is Status.VERIFIED
    yield Contradiction(
        "contradiction.camera-and-generated",
        f"{_capital(_say(cameras))} that a camera took the picture, and {_say(generated)} that it "
        f"was generated with AI. {_weighed(signed=signed, marked=marked, looks=looks_generated)}",
        _codes(*cameras, *generated),
        decisive=signed or not (marked or looks_generated),
    )


def _weightiest(evidence: list[Evidence]) -> list[Evidence]:
    """What is verified, if anything is; who merely claims the same adds nothing to it."""
    return [e for e in evidence if e.status is Status.VERIFIED] or evidence


def _weighed(*, signed: bool, marked: bool, looks: bool) -> str:
    if signed and marked:
        return "Both are verified, so no answer is given."
    if signed:
        return "The signer signed the file with both in it, so no answer is given."
    if marked:
        return "The first is an unverified claim, and the second is verified: the second counts."
    if looks:
        return "Neither is verified; what was measured in the pixels decides."
    return "Neither is verified, so no answer is given."


def _camera_and_looks(
    evidence: Sequence[Evidence], looks_generated: bool
) -> Iterator[Contradiction]:
    cameras = [e for e in evidence if says_camera(e)]
    looks = [e for e in evidence if suggests(e)]
    signed = any(e.status is Status.VERIFIED for e in cameras)
    if not cameras or not looks or not (signed or looks_generated):
        return  # a weak hint beside metadata that anybody can write is nothing to speak of
    if signed:
        weighed = (
            "Neither outweighs the other, so no answer is given."
            if looks_generated
            else "Looks are at times wrong, and these are too weak to outweigh the signature."
        )
    else:
        weighed = "The first is an unverified claim, worth nothing against what was measured."
    yield Contradiction(
        "contradiction.camera-and-looks",
        f"{_capital(_say(cameras))} that a camera took the picture, and the pixels look generated "
        f"({', '.join(sorted({e.source for e in looks}))}). {weighed}",
        _codes(*cameras, *looks),
        decisive=signed and looks_generated,
    )


def _moved_mark(evidence: Sequence[Evidence]) -> Iterator[Contradiction]:
    """The mark of one picture on another."""
    moved = [e for e in evidence if e.code == "recovery.transplanted"]
    if moved:
        yield Contradiction(
            "contradiction.mark-of-another-picture",
            "The pixels carry the watermark of another picture, which your registry recorded: it "
            "was moved here, or hardly anything of that picture is left.",
            _codes(*(e for e in evidence if e.code == "watermark.found"), *moved),
            decisive=True,
        )
        return
    mark = next((e for e in evidence if e.code == "watermark.found"), None)
    credentials = next((e for e in evidence if e.source == "credentials"), None)
    if mark is None or credentials is None or credentials.status not in _SAYING:
        return
    if named_marks(credentials, mark) and not names_mark(credentials, mark):
        yield Contradiction(
            "contradiction.mark-and-credentials",
            "The credentials name another watermark than the one in the pixels: the mark is of "
            "another picture, or of an earlier version of this one.",
            _codes(credentials, mark),
            decisive=False,
        )


def _two_vendors(evidence: Sequence[Evidence]) -> Iterator[Contradiction]:
    """Two who both say that they generated it. Programs that anybody runs are nobody's."""
    saying: dict[str, list[Evidence]] = {}
    for each in evidence:
        if _says_generated(each) and each.source != "recovery" and (vendor := _vendor(each)):
            saying.setdefault(vendor, []).append(each)
    if len(saying) > 1:
        yield Contradiction(
            "contradiction.two-vendors",
            f"Different makers are named for the same picture: {', '.join(sorted(saying))}. It may "
            "have passed through both, or one of the statements is false.",
            _codes(*(e for found in saying.values() for e in found)),
            decisive=False,
        )


def _vendor(evidence: Evidence) -> str:
    details = evidence.details
    if evidence.source == "credentials":
        agents = [action.get("agent") for action in details.get("actions", ())]
        names = (vendor_of(str(name or "")) for name in (details.get("tool"), *agents))
        return next(filter(None, names), "")
    return str(details.get("vendor") or "") or vendor_of(str(details.get("generator") or ""))


def _say(evidence: Sequence[Evidence]) -> str:
    """Who says so, each once: `Your watermark says`."""
    names = list(dict.fromkeys(_NAMES.get(e.source, f"the check {e.source}") for e in evidence))
    plural = len(names) > 1 or names[0] == _NAMES["credentials"]
    return f"{' and '.join(names)} {'say' if plural else 'says'}"


_NAMES = {
    "credentials": "the Content Credentials",
    "watermark": "your watermark",
    "stamps": "the public stamp of a generator",
    "claims": "unsigned metadata",
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _codes(*evidence: Evidence) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.code for e in evidence))
