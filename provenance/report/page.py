"""One report as one HTML file, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from provenance._version import __version__
from provenance.codec.limits import Limits
from provenance.evidence import SCHEMA, Evidence, Report, Status, Verdict
from provenance.report.document import document, listed, section
from provenance.report.figure import figures
from provenance.report.history import Step, history
from provenance.report.markup import Markup, joined, tag
from provenance.report.pictures import preview
from provenance.report.words import (
    CHECKS,
    RELATIONS,
    STATUSES,
    chance,
    rate,
    sign,
    title,
    tone,
)

_HIDDEN = frozenset({"actions", "detection_rate", "failures", "ingredients", "soft_bindings"})
"""Details that are shown elsewhere, or are for programs alone."""

_MOST_FACTS, _DEEPEST = 40, 3


def page(
    report: Report,
    data: bytes,
    *,
    limits: Limits | None = None,
    when: datetime | None = None,
    back: str = "",
) -> str:
    """The report as HTML: self-contained, without scripts, with everything from the file escaped.

    Args:
        report: of `data`.
        data: the file; its picture, and the small ones in its credentials, are decoded and written
            anew.
        limits: on bytes and pixels; what is over them is not shown.
        when: the time of the examination; now, if not given.
        back: address of an index to lead back to.
    """
    when = when or datetime.now(UTC)
    shown = preview(data, limits) if report.width else None
    verdict = report.verdict
    up = tag("nav", tag("a", "All files", href=back)) if back else Markup("")
    return document(
        f"{title(verdict)}: {report.name}",
        up,
        tag("header", tag("h1", tag("bdi", report.name)), tag("p", _about(report, when))),
        tag(
            "main",
            _verdict(verdict),
            section("What contradicts what", _conflicts(verdict), name="conflicts"),
            section("The picture", figures(shown, report.evidence), name="picture")
            if report.media_type.startswith("image/")
            else "",
            section("What this rests on", _reasons(verdict), name="reasons"),
            section("History, as its credentials tell it", _history(report, data), name="history"),
            section("Each check", *map(_card, report.evidence), name="checks"),
            section("What was not checked", _unchecked(report), name="unchecked"),
            section("How to read this", _legend(), name="legend"),
        ),
        tag("footer", *_footer(report)),
    )


def _about(report: Report, when: datetime) -> str:
    kind = report.media_type.rsplit("/", 1)[-1].upper()
    size = f"{report.width} × {report.height} pixels, " if report.width else ""
    return f"{kind}, {size}{report.size:,} bytes. Examined on {when:%Y-%m-%d at %H:%M} UTC."


def _verdict(verdict: Verdict) -> Markup:
    return tag(
        "section",
        tag("p", sign(verdict), class_="sign", aria_hidden="true"),
        tag(
            "div",
            tag("h2", title(verdict), id="about-verdict"),
            tag("p", verdict.headline, class_="headline"),
            _odds(verdict),
            tag("p", tag("strong", "What to do: "), verdict.advice) if verdict.advice else "",
            tag("p", f"Outcome: {verdict.outcome.value}. {verdict.coverage}", class_="small"),
        ),
        class_=f"verdict {tone(verdict)}",
        aria_labelledby="about-verdict",
    )


def _odds(verdict: Verdict) -> Markup:
    """The probability as a bar with its interval, and in words."""
    text = chance(verdict)
    if not text or verdict.probability is None or verdict.interval is None:
        return Markup("")
    low, high = (100 * end for end in verdict.interval)
    bar = tag(
        "svg",
        tag("rect", class_="track", width=100, height=6, y=2, rx=1),
        tag("rect", class_="range", x=low, width=max(0.6, high - low), height=6, y=2, rx=0.3),
        tag("rect", class_="point", x=100 * verdict.probability - 0.4, width=0.8, height=10),
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        class_="odds",
    )
    scale = tag("p", tag("span", "0 %"), tag("span", "50 %"), tag("span", "100 %"), class_="scale")
    return joined(tag("div", bar, scale, class_="gauge", aria_hidden="true"), tag("p", text))


def _conflicts(verdict: Verdict) -> Markup:
    return listed(
        [
            joined(tag("strong", "Stops the answer. ") if c.decisive else "", c.sentence)
            for c in verdict.contradictions
        ]
    )


def _reasons(verdict: Verdict) -> Markup:
    items = [
        joined(tag("strong", "Counts. " if r.counted else "Does not count. "), r.sentence)
        for r in verdict.reasons
    ]
    return listed(items, "ol") or tag("p", "Nothing was found, so there is nothing to weigh.")


def _history(report: Report, data: bytes) -> Markup:
    first = history(data)
    if first is None:
        return Markup("")
    credentials = next(iter(report.find("credentials")), None)
    holds = credentials is not None and credentials.status is Status.VERIFIED
    warning = (
        "The newest step is signed by somebody whom you trust; earlier ones are as recorded there."
        if holds
        else "Nothing that you trust vouches for this history. Anybody can write one."
    )
    if credentials is not None and credentials.status is Status.FAILED:
        warning = "These credentials do not hold: do not rely on anything that they say."
    return joined(tag("p", warning), tag("ol", _step(first), class_="tree"))


def _step(step: Step) -> Markup:
    relation = RELATIONS.get(step.relationship, step.relationship)
    picture = (
        tag("img", src=step.picture.address, alt="as recorded in the credentials")
        if step.picture
        else Markup("")
    )
    signed = f"Signed in the name of {step.signer}." if step.signer else ""
    if not step.signer and not step.actions:
        signed = "It has no credentials of its own."
    words = tag(
        "div",
        tag("h3", relation, joined(": ", tag("bdi", step.title)) if step.title else ""),
        tag("p", " ".join(filter(None, [signed, f"Written by {step.tool}." if step.tool else ""]))),
        listed([joined(text) for text in step.actions]),
        tag("p", tag("strong", "Found when it was added: "), "; ".join(step.problems))
        if step.problems
        else "",
        tag("p", "More came before, and is not shown here.") if step.cut else "",
    )
    below = tag("ol", *map(_step, step.made_from)) if step.made_from else Markup("")
    return tag("li", tag("div", picture, words, class_="step"), below)


def _card(evidence: Evidence) -> Markup:
    symbol, word, _ = STATUSES[evidence.status]
    name, meaning = CHECKS.get(evidence.source, (evidence.source, ""))
    facts = list(_facts(evidence))
    return tag(
        "article",
        tag(
            "h3",
            tag("span", symbol, class_="mark", aria_hidden="true"),
            f" {name}: ",
            tag("span", word, class_="word"),
        ),
        tag("p", evidence.explanation),
        tag("p", tag("strong", "What to do: "), evidence.advice) if evidence.advice else "",
        tag("p", meaning, class_="small") if meaning else "",
        tag("details", tag("summary", "Facts"), tag("dl", *facts)) if facts else "",
        class_=f"card {evidence.status.value}",
    )


def _facts(evidence: Evidence) -> Iterator[Markup]:
    yield from _fact("Code", evidence.code)
    if evidence.false_positive_rate is not None:
        said = f"{rate(evidence.false_positive_rate)} pictures without it"
        yield from _fact("Found in error in", said)
    if evidence.score is not None:
        yield from _fact("Score, uncalibrated", f"{evidence.score:.4g}")
    details = [(k, v) for k, v in evidence.details.items() if k not in _HIDDEN and v]
    for key, value in details[:_MOST_FACTS]:
        yield from _fact(str(key).replace("_", " "), _value(value))


def _value(value: Any, depth: int = 0) -> str:
    """A detail on one line. Metadata is nested as deep and as wide as its writer likes."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        pairs = islice(value.items(), _MOST_FACTS)
        return ", ".join(f"{key}: {_value(inner, depth + 1)}" for key, inner in pairs)
    if isinstance(value, list | tuple):
        return "; ".join(_value(inner, depth + 1) for inner in value[:_MOST_FACTS])
    return str(value)


def _fact(name: str, value: str) -> Iterator[Markup]:
    yield tag("dt", name)
    yield tag("dd", tag("bdi", value))


def _unchecked(report: Report) -> Markup:
    missing = [name for check, (name, _) in CHECKS.items() if not report.find(check)]
    items = [
        joined(
            tag("strong", f"{CHECKS.get(e.source, (e.source, ''))[0]}. "),
            e.explanation,
            f" {e.advice}" if e.advice else "",
        )
        for e in report.unchecked
    ]
    items += [
        joined(tag("strong", f"{name}. "), "Not part of this examination.") for name in missing
    ]
    return listed(items) or tag("p", "Every check was completed.")


def _legend() -> Markup:
    rows = [
        joined(
            tag("dt", tag("span", symbol, class_="mark", aria_hidden="true"), f" {word}"),
            tag("dd", meaning),
        )
        for symbol, word, meaning in STATUSES.values()
    ]
    return joined(
        tag(
            "p",
            "A picture without any sign is unknown, whatever it shows: most pictures carry none, "
            "and signs are easily lost. A signature shows who signed and that nothing was changed "
            "since, not that what the signer says is true.",
        ),
        tag("dl", *rows),
    )


def _footer(report: Report) -> Iterator[Markup]:
    yield tag("p", "SHA-256 of the examined file: ", tag("code", report.sha256))
    yield tag("p", f"Made by provenance-kit {__version__}, form {SCHEMA}.")
