"""The list of several reports, one row for each file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from provenance.evidence import Report
from provenance.report.document import document
from provenance.report.markup import Markup, joined, tag
from provenance.report.pictures import Shown
from provenance.report.words import sign, title, tone


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the list.

    Attributes:
        name: of the file, as given.
        report: what was found, or None for a file that could not be examined.
        address: of its page, relative to the list.
        picture: a small picture, or None.
        problem: why it could not be examined.
    """

    name: str
    report: Report | None = None
    address: str = ""
    picture: Shown | None = None
    problem: str = ""


def index(entries: Sequence[Entry], when: datetime | None = None) -> str:
    """The list as HTML, in the order given."""
    when = when or datetime.now(UTC)
    columns = ("Picture", "File", "Answer", "In a sentence")
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", name, scope="col") for name in columns))),
        tag("tbody", *map(_row, entries)),
        class_="index",
    )
    heading = f"{len(entries):,} files examined"
    said = f"Examined on {when:%Y-%m-%d at %H:%M} UTC. A file without any sign is unknown."
    return document(
        heading,
        tag("header", tag("h1", heading), tag("p", said)),
        tag("main", tag("p", _counts(entries)), table),
    )


def _counts(entries: Sequence[Entry]) -> str:
    counts: dict[str, int] = {}
    for each in entries:
        name = title(each.report.verdict) if each.report else "Not examined"
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name}: {n:,}" for name, n in sorted(counts.items())) + "."


def _row(entry: Entry) -> Markup:
    picture = (
        tag("img", src=entry.picture.address, alt="") if entry.picture is not None else Markup("")
    )
    name = tag("bdi", entry.name)
    if entry.report is None:
        answer, said = joined("! Not examined"), entry.problem
    else:
        verdict = entry.report.verdict
        answer = tag("strong", f"{sign(verdict)} {title(verdict)}", class_=tone(verdict))
        name = tag("a", name, href=entry.address)
        said = verdict.headline
    return tag(
        "tr",
        tag("td", picture),
        tag("th", name, scope="row"),
        tag("td", answer),
        tag("td", said),
    )
