"""The report of an audit: one HTML file with everything in it, which loads and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from provenance.audit.findings import KINDS
from provenance.audit.thumbnails import Finding
from provenance.report.document import document, section
from provenance.report.markup import Markup, data_uri, joined, tag

_TABLES = {
    "results": "What evidence shows",
    "claimed": "What metadata claims",
    "generators": "Generators, by name",
    "watermarks": "Watermarks",
    "unsafe": "Unsafe, by category",
    "opt_out": "Statements against training and mining",
    "states": "Files",
    "media_types": "Formats",
}
_ROWS = 20


def page(summary: Mapping[str, Any], findings: Mapping[str, Sequence[Finding]]) -> str:
    """The report.

    Args:
        summary: as `Summary.to_dict` gives it.
        findings: contact sheets, by kind.
    """
    title = "Audit of " + ", ".join(summary["sources"])
    head = tag(
        "header",
        tag("h1", title),
        tag("p", f"{summary['files']:,} files, {summary['pictures']:,} pictures examined"),
    )
    counts = summary["counts"]
    tables = [
        section(heading, _bars(counts[name]), name=name)
        for name, heading in _TABLES.items()
        if counts.get(name) and not (name == "results" and list(counts[name]) == ["unknown"])
    ]
    return document(
        title,
        head,
        _unfinished(summary),
        _answer(summary),
        _duplicates(summary["duplicates"]),
        *tables,
        _by(summary["by_split"], "By split", "splits"),
        _by(summary["by_label"], "By class", "labels"),
        *[_sheet(kind, entries) for kind, entries in findings.items()],
        _method(summary),
        style=(resources.files(__package__) / "audit.css").read_text(encoding="utf-8"),
    )


def _unfinished(summary: Mapping[str, Any]) -> Markup:
    missing = summary["unfinished_shards"]
    if not missing:
        return Markup("")
    text = f"{missing:,} parts of the dataset are not finished, and are counted nowhere below."
    return tag("section", tag("h2", "Not finished"), tag("p", text), class_="conflicts")


def _answer(summary: Mapping[str, Any]) -> Markup:
    generated = summary["generated"]
    pictures = summary["pictures"]
    known = generated["known"]
    share = f" ({known / pictures:.1%})" if pictures else ""
    says = tag("p", f"{known:,} pictures{share} say or show that they are synthetic.")
    estimate = generated["estimate"]
    if estimate is None or not generated["judged"]:
        unknown = "How many of the others are is not known: no pixels were judged."
        return section("How much is synthetic", says, tag("p", unknown), name="answer")
    low, high = estimate["interval95"]
    rates = generated["detector"]
    found, of = rates["sensitivity"]
    accused, others = rates["false_positives"]
    return section(
        "How much is synthetic",
        tag("p", f"{estimate['share']:.1%}", class_="figure"),
        tag("p", f"95 % interval {low:.1%} to {high:.1%}"),
        _scale(estimate["share"], low, high),
        says,
        tag(
            "p",
            f"The rest is estimated: of {generated['judged']:,} pictures whose pixels were judged, "
            f"the detector called {generated['called']:,} generated. Where it was measured it "
            f"found {found} of {of} generated pictures and accused {accused} of {others} others; "
            "the estimate is corrected for both, and the interval carries what is not known of "
            "them. It holds if the detector errs on this dataset as it did there.",
            class_="small",
        ),
        name="answer",
    )


def _scale(share: float, low: float, high: float) -> Markup:
    label = f"{share:.1%}, between {low:.1%} and {high:.1%}"
    drawn = tag(
        "svg",
        tag("rect", class_="track", x=0, y=3, width=100, height=4),
        tag("rect", class_="range", x=100 * low, y=3, width=max(0.4, 100 * (high - low)), height=4),
        tag("rect", class_="point", x=max(0.0, 100 * share - 0.3), y=1, width=0.6, height=8),
        class_="odds",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    ends = tag("p", tag("span", "0 %"), tag("span", "100 %"), class_="scale")
    return tag("div", drawn, ends, class_="gauge")


def _bars(counts: Mapping[str, int]) -> Markup:
    most = max(counts.values(), default=1)
    rows = []
    for name, count in list(counts.items())[:_ROWS]:
        bar = tag("rect", class_="fill", x=0, y=0, width=max(0.3, 100 * count / most), height=10)
        drawn = tag(
            "svg", bar, viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true"
        )
        number = tag("td", f"{count:,}", class_="n")
        rows.append(tag("tr", tag("th", name, scope="row"), number, tag("td", drawn)))
    more = len(counts) - _ROWS
    rest = f"and {more:,} more in summary.json"
    after = tag("p", rest, class_="small") if more > 0 else Markup("")
    return joined(tag("table", tag("tbody", *rows), class_="bars"), after)


def _by(parts: Sequence[Mapping[str, Any]], heading: str, name: str) -> Markup:
    if not parts:
        return Markup("")
    rows = []
    for part in parts[:_ROWS]:
        estimate = part["estimate"]
        shown: Markup | str = "not estimated"
        if estimate is not None and part["judged"]:
            low, high = estimate["interval95"]
            shown = joined(
                f"{estimate['share']:.1%} ({low:.1%} to {high:.1%})",
                _scale(estimate["share"], low, high),
            )
        rows.append(
            tag(
                "tr",
                tag("th", part["name"], scope="row"),
                tag("td", f"{part['pictures']:,}", class_="n"),
                tag("td", f"{part['known']:,}", class_="n"),
                tag("td", f"{part['judged']:,}", class_="n"),
                tag("td", shown),
            )
        )
    names = ("", "pictures", "known synthetic", "judged", "estimated")
    head = tag("thead", tag("tr", *(tag("th", n, scope="col") for n in names)))
    return section(heading, tag("table", head, tag("tbody", *rows), class_="bars"), name=name)


def _duplicates(found: Mapping[str, int]) -> Markup:
    if not found or not found["pictures"]:
        return Markup("")
    tiles = [
        (found["pictures"], f"near-duplicates, in {found['groups']:,} groups"),
        (found["leaks"], "of them in groups that lie in more than one split"),
    ]
    drawn = [
        tag("div", tag("strong", f"{n:,}"), tag("p", text), class_="tile") for n, text in tiles
    ]
    return section("Near-duplicates", tag("div", *drawn, class_="tiles"), name="duplicates")


def _sheet(kind: str, entries: Sequence[Finding]) -> Markup:
    figures = []
    for entry in entries:
        picture = (
            tag("img", src=data_uri("image/jpeg", entry.picture), alt="", loading="lazy")
            if entry.picture
            else tag("p", "not shown", class_="none")
        )
        caption = tag("figcaption", tag("span", entry.path), entry.facts)
        figures.append(tag("figure", picture, caption))
    words = f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}. The first in the order of the data."
    about = tag("p", words, class_="small")
    return section(kind.capitalize(), about, tag("div", *figures, class_="sheet"), name=kind)


def _method(summary: Mapping[str, Any]) -> Markup:
    asked = summary["asked"]
    lines = [tag("dt", "pixels"), tag("dd", f"{asked['pixels']}, share {asked['share']:g}")]
    for name, version in sorted(asked["versions"].items()):
        lines += [tag("dt", name), tag("dd", version)]
    return section(
        "How it was done",
        tag("dl", *lines),
        tag(
            "p",
            "Claims are metadata that anybody can write or remove. A picture of which nothing was "
            "found is unknown: not real, and not camera-made.",
            class_="small",
        ),
        name="method",
    )
