"""Reports as text and as JSON.

Everything that comes out of a file is hostile: control characters, which could rewrite the
terminal, are replaced before anything is printed, and nothing is interpreted as markup.
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
import unicodedata
from collections.abc import Collection, Iterator
from shutil import get_terminal_size
from typing import Any

from provenance.evidence import Evidence, Outcome, Report, Result, Status, Verdict
from provenance.picture import Asset
from provenance.report.words import chance

_MARKS = {
    Status.VERIFIED: "+",
    Status.FAILED: "!",
    Status.CLAIMED: "~",
    Status.SUGGESTED: "*",
    Status.ABSENT: "-",
    Status.UNCHECKED: "?",
}
_COLORS = {Outcome.VERIFIED: "32;1", Outcome.FAILED: "31;1", Outcome.UNKNOWN: "33;1"}
_INDENT = 15
_MOST_PLACES = 6

LEGEND = "+ holds   ! does not hold   ~ claimed, not vouched for   - not found   ? not checked"
_OF_LOOKS = "   * looks so, and is at times wrong"


def legend(statuses: Collection[Status]) -> str:
    """What the signs mean; that of looks only where it occurs."""
    return LEGEND + (_OF_LOOKS if Status.SUGGESTED in statuses else "")


def plain(text: str) -> str:
    """The text without control, format and surrogate characters, on one line."""
    return "".join("\ufffd" if unicodedata.category(c) in _UNSAFE else c for c in text)


_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def say(text: str) -> None:
    """A diagnostic, on stderr."""
    print(plain(text), file=sys.stderr)


def line(record: dict[str, Any]) -> str:
    """One JSON object on one line."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def report_text(report: Report) -> str:
    """A report for people: the verdict, then each piece of evidence, then what to do."""
    size = f"{report.width}×{report.height}" if report.width else "no pixels read"
    kind = report.media_type.rsplit("/", 1)[-1].upper()
    verdict = report.verdict
    out = [
        f"{plain(report.name)}  ({kind}, {size}, {report.size:,} bytes)",
        entry(verdict.outcome.value.upper(), verdict.headline, _colored(verdict.outcome)),
    ]
    out += [entry(label, text) for label, text in _beside(verdict)]
    out.append("")
    for evidence in report.evidence:
        label = f"{_MARKS[evidence.status]} {evidence.source}"
        out.append(entry(label, evidence.explanation))
        out += [entry("", fact) for fact in _facts(evidence)]
    if verdict.advice:
        out += ["", entry("what to do", verdict.advice)]
    return "\n".join(out)


def asset_text(name: str, target: str, asset: Asset) -> str:
    """One protected picture on a line, with a second one for what changed on the way."""
    spent = sum(asset.timings.values())
    mark = asset.watermark_id or "none"
    text = (
        f"{plain(name)} -> {plain(target)}  {asset.width}×{asset.height}  watermark {mark}  "
        f"{spent:.2f} s"
    )
    notes = [f"  note: {plain(note)}" for note in asset.notes]
    return "\n".join([text, *notes])


def odds(rate: float) -> str:
    """A false-positive rate in words: `1 in 10^9`."""
    if rate <= 0:
        return "below what can be computed"
    return f"1 in 10^{math.floor(-math.log10(rate))}" if rate < 1e-3 else f"{100 * rate:.2g} %"


def _beside(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What belongs to the verdict besides its headline."""
    if verdict.result is Result.CONFLICTING:
        yield "result", "conflicting"
    elif verdict.outcome is Outcome.FAILED and verdict.result is Result.GENERATED:
        yield "result", "probably generated with AI, by its looks"
    for contradiction in verdict.contradictions:
        if contradiction.sentence != verdict.headline:
            yield "conflict", contradiction.sentence
    if text := chance(verdict):
        yield "how sure", text


def _facts(evidence: Evidence) -> list[str]:
    details = evidence.details
    facts = []
    for box in evidence.boxes[:_MOST_PLACES]:
        place = f"columns {box.left} to {box.right}, rows {box.top} to {box.bottom}"
        facts.append(f"{box.label or 'seen'}: {place}")
    if len(evidence.boxes) > _MOST_PLACES:
        facts.append(f"and {len(evidence.boxes) - _MOST_PLACES} places more")
    if evidence.source == "credentials":
        for action in details.get("actions", ()):
            parts = [action["action"].removeprefix("c2pa.")]
            parts += [f"by {action['agent']}"] if action.get("agent") else []
            parts += [f"at {action['when']}"] if action.get("when") else []
            parts += [f"({action['source_type']})"] if action.get("source_type") else []
            facts.append(" ".join(parts))
        if details.get("manifest_id"):
            facts.append(f"manifest {details['manifest_id']}")
    if evidence.source == "watermark" and details.get("payload"):
        facts.append(f"payload {details['payload']}")
    if details.get("failures"):
        facts.append("C2PA codes: " + ", ".join(details["failures"]))
    if evidence.source != "recovery" and evidence.false_positive_rate is not None:
        of = "of other pictures" if evidence.status is Status.SUGGESTED else "unmarked pictures"
        facts.append(f"false positives: {odds(evidence.false_positive_rate)} {of}")
    return facts


def entry(label: str, text: str, shown: str | None = None) -> str:
    """A label and a wrapped text beside it; `shown` is the label with its colour."""
    width = max(40, min(get_terminal_size().columns, 100)) - _INDENT - 2
    first, *rest = textwrap.wrap(plain(text), width) or [""]
    pad = " " * (_INDENT - len(label))
    return "\n".join([f"  {shown or label}{pad}{first}", *(" " * (_INDENT + 2) + r for r in rest)])


def _colored(outcome: Outcome) -> str:
    word = outcome.value.upper()
    return f"\x1b[{_COLORS[outcome]}m{word}\x1b[0m" if sys.stdout.isatty() else word
