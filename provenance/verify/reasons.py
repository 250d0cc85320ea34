"""Says of everything that was found whether it counts and why, and for how many it could count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from provenance.evidence import Evidence, Reason, Status, Weight
from provenance.verify.fusion import Fused, usable

_ORDER = (Status.FAILED, Status.VERIFIED, Status.SUGGESTED, Status.CLAIMED)


def reasons(evidence: Sequence[Evidence], fused: Fused | None) -> tuple[Reason, ...]:
    """Everything found, weightiest first: failed, verified, suggested, claimed.

    Args:
        evidence: of all checks.
        fused: what the pixels come to, or None where that is not asked.
    """
    counted = fused.counted if fused else ()
    failed = any(e.status is Status.FAILED for e in evidence)
    found = [e for e in evidence if e.status in _ORDER]
    found.sort(key=lambda e: (_ORDER.index(e.status), -(e.weight.low if e.weight else 0)))
    return tuple(_reason(e, fused, e in counted, failed) for e in found)


def _reason(evidence: Evidence, fused: Fused | None, strongest: bool, failed: bool) -> Reason:
    status = evidence.status
    counts = status is Status.FAILED or (status is Status.VERIFIED and not failed) or strongest
    note = _note(evidence, fused, strongest, failed)
    sentence = f"{evidence.explanation} {note}".strip()
    return Reason(evidence.code, sentence, counts, evidence.weight)


def _note(evidence: Evidence, fused: Fused | None, strongest: bool, failed: bool) -> str:
    if evidence.status is Status.VERIFIED:
        return "It does not outweigh the check that failed." if failed else ""
    if evidence.status is Status.CLAIMED:
        return "Counts for nothing by itself: it is not authenticated."
    if evidence.status is Status.FAILED:
        return ""
    weight = evidence.weight
    if weight is None:
        return "Not counted: what it is worth has not been measured."
    if fused is not None and strongest:
        return times(weight) + _chosen(fused.looked[evidence.source])
    if fused is not None and evidence in fused.passed_over:
        return f"{times(weight)} Not counted: a stronger one looks at the same pixels."
    if not usable(evidence):
        return "Not counted: its measured weight does not speak for generation."
    return f"{times(weight)} Not counted: a signature or mark answers."


def _chosen(looked: int) -> str:
    if looked < 2:
        return ""
    return (
        f" Of {looked} checks that look at the same pixels the strongest counts alone, and the "
        f"lower end is divided by {looked} because it was chosen after looking."
    )


def times(weight: Weight) -> str:
    """A likelihood ratio in words."""
    return (
        f"Found {weight.ratio:.3g} times as often in generated pictures as in others (95 % "
        f"interval {weight.low:.3g} to {weight.high:.3g}; measured on {weight.generated:,} and "
        f"{weight.others:,})."
    )


def coverage(evidence: Sequence[Evidence]) -> str:
    """Which checks were completed, and how often those that look at pixels find something."""
    sources = list(dict.fromkeys(e.source for e in evidence))
    open_ = [s for s in sources if all(_skipped(e) for e in evidence if e.source == s)]
    done = len(sources) - len(open_)
    text = f"{done} of {len(sources)} checks were completed"
    text += f" (not: {', '.join(open_)})." if open_ else "."
    return " ".join([text, *_rates(evidence)])


def _skipped(evidence: Evidence) -> bool:
    return evidence.status is Status.UNCHECKED


def _rates(evidence: Sequence[Evidence]) -> Iterator[str]:
    """What checks say of themselves: `details["detection_rate"]`, {rate, low, high, pictures}."""
    for each in evidence:
        said = each.details.get("detection_rate")
        if not isinstance(said, Mapping):
            continue
        numbers = [said.get(name) for name in ("rate", "low", "high", "pictures")]
        sound = [x for x in numbers if isinstance(x, int | float) and math.isfinite(x)]
        if len(sound) == len(numbers):
            rate, low, high, pictures = sound
            yield (
                f"The check {each.source} finds something in {100 * rate:.0f} % of generated "
                f"pictures ({100 * low:.0f} to {100 * high:.0f} %; measured on {pictures:,}) and "
                "gives no answer on the others."
            )
