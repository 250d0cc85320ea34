"""Tells a report in one language.

English is the library's own. Another language has its texts by the codes of evidence; a code that
it does not know is told in English rather than not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provenance.evidence import (
    Contradiction,
    Evidence,
    Origin,
    Outcome,
    Reason,
    Report,
    Status,
    Verdict,
)
from provenance.report import words as english
from provenance.server.page.words import Words, fill
from provenance.verify.fusion import suggests

_AI = (Origin.GENERATED, Origin.EDITED)


def told(report: Report, words: Words) -> dict[str, Any]:
    """All texts on a report that a page needs, ready for JSON; lists are in the report's order.

    Args:
        report: what was found.
        words: of a language.
    """
    verdict = report.verdict
    result = words["results"][verdict.result.value]
    teller = _Teller(report, words)
    return {
        "title": teller.title(),
        "sign": english.sign(verdict),
        "tone": english.tone(verdict),
        "word": result["word"],
        "meaning": result["meaning"],
        "headline": teller.headline(),
        "advice": teller.advice(verdict.because, verdict.advice),
        "chance": teller.chance(),
        "coverage": teller.coverage(),
        "contradictions": [
            {"text": teller.contradiction(each), "decisive": each.decisive}
            for each in verdict.contradictions
        ],
        "reasons": [
            {"text": teller.reason(each), "counted": each.counted} for each in verdict.reasons
        ],
        "evidence": [teller.evidence(each) for each in report.evidence],
        "missing": [teller.check(name)[0] for name in english.CHECKS if not report.find(name)],
    }


class _Teller:
    def __init__(self, report: Report, words: Words) -> None:
        self._report = report
        self._verdict: Verdict = report.verdict
        self._words = words

    def title(self) -> str:
        said = english.title(self._verdict)
        return str(self._table("titles").get(said, said))

    def check(self, source: str) -> tuple[str, str]:
        """Name and meaning."""
        known = self._table("checks").get(source)
        if known is not None:
            return known["name"], known["meaning"]
        return english.CHECKS.get(source, (source, ""))

    def evidence(self, evidence: Evidence) -> dict[str, Any]:
        sign, word, _ = english.STATUSES[evidence.status]
        name, about = self.check(evidence.source)
        rate = evidence.false_positive_rate
        return {
            "name": name,
            "about": about,
            "sign": sign,
            "word": self._table("statuses").get(evidence.status.value, word),
            "text": self.explanation(evidence),
            "advice": self.advice((evidence.code,), evidence.advice),
            "labels": [self._label(box.label) for box in evidence.boxes],
            "rate": "" if rate is None else self._rate(rate),
        }

    def explanation(self, evidence: Evidence) -> str:
        template = self._template(evidence)
        return evidence.explanation if template is None else fill(template, self._facts(evidence))

    def advice(self, codes: Sequence[str], said: str) -> str:
        if not said:
            return ""
        known = (self._table("advice").get(code) for code in codes)
        return next(filter(None, known), said)

    def reason(self, reason: Reason) -> str:
        found = next(
            (
                each
                for each in self._report.evidence
                if each.code == reason.code and reason.sentence.startswith(each.explanation)
            ),
            None,
        )
        if found is None or self._template(found) is None:
            return reason.sentence
        text = self.explanation(found)
        weight = reason.weight
        if weight is None or not (template := self._table("common").get("times")):
            return text
        values = {
            "ratio": f"{weight.ratio:.3g}",
            "low": f"{weight.low:.3g}",
            "high": f"{weight.high:.3g}",
            "generated": f"{weight.generated:,}",
            "others": f"{weight.others:,}",
        }
        return f"{text}{fill(template, values)}"

    def contradiction(self, contradiction: Contradiction) -> str:
        known = self._table("contradictions").get(contradiction.code)
        return contradiction.sentence if known is None else str(known)

    def chance(self) -> str:
        said, verdict = english.chance(self._verdict), self._verdict
        template = self._table("common").get("chance")
        if not said or template is None or verdict.interval is None or verdict.probability is None:
            return said
        low, high = verdict.interval
        return fill(
            template,
            {
                "chance": self._share(verdict.probability),
                "low": self._share(low),
                "high": self._share(high),
                "prior": self._share(verdict.prior),
            },
        )

    def coverage(self) -> str:
        template = self._table("common").get("coverage")
        if template is None:
            return self._verdict.coverage
        evidence = self._report.evidence
        sources = list(dict.fromkeys(each.source for each in evidence))
        open_ = [
            source
            for source in sources
            if all(e.status is Status.UNCHECKED for e in evidence if e.source == source)
        ]
        text = fill(template, {"done": len(sources) - len(open_), "all": len(sources)})
        names = self._joined(self.check(source)[0] for source in open_)
        without = fill(self._words["common"]["without"], {"names": names}) if open_ else ""
        return text + without + "".join(map(self._found, evidence))

    def _found(self, evidence: Evidence) -> str:
        """How often a check that looks at pixels finds something, if it says so."""
        said = evidence.details.get("detection_rate")
        names = ("rate", "low", "high", "pictures")
        if not isinstance(said, Mapping) or not all(
            isinstance(said.get(name), int | float) for name in names
        ):
            return ""
        values = {name: f"{100 * said[name]:.0f} %" for name in names[:3]}
        values |= {"pictures": f"{said['pictures']:,}", "name": self.check(evidence.source)[0]}
        return fill(self._words["common"]["finds"], values)

    def headline(self) -> str:
        """The library's sentence, or the one that this language has for the same case."""
        table = self._table("headlines")
        if not table:
            return self._verdict.headline
        verdict, evidence = self._verdict, self._report.evidence
        decisive = next((c for c in verdict.contradictions if c.decisive), None)
        if decisive is not None and verdict.outcome is Outcome.UNKNOWN:
            return self.contradiction(decisive)
        first = next((e for e in evidence if e.code in verdict.because[:1]), None)
        if verdict.outcome is Outcome.FAILED and first is not None:
            return str(table["failed"].get(first.code) or self.explanation(first))
        if verdict.outcome is Outcome.VERIFIED and first is not None:
            kind = "credentials" if first.source == "credentials" else "watermark"
            return fill(table[kind][verdict.origin.value], self._facts(first))
        return fill(table["unknown"][self._unknown()], {"sources": self._suggesting()})

    def _unknown(self) -> str:
        """Which of the cases without an answer it is; the policy's own order."""
        evidence = self._report.evidence
        claimed = [e for e in evidence if e.status is Status.CLAIMED]
        if english.chance(self._verdict) and self._verdict.result.value == "generated":
            return "looks"
        if any(e.origin in _AI and e.source != "recovery" for e in claimed):
            return "claimed"
        if any(e.code == "recovery.found-by-fingerprint" for e in claimed):
            return "alike"
        return "hint" if any(map(suggests, evidence)) else "nothing"

    def _suggesting(self) -> str:
        sources = dict.fromkeys(e.source for e in self._report.evidence if suggests(e))
        return self._joined(self.check(source)[0] for source in sources)

    def _template(self, evidence: Evidence) -> str | None:
        known = self._table("evidence").get(evidence.code)
        if known is None and evidence.source == "claims":
            known = self._table("claims").get(evidence.origin.value)
        if known is None and evidence.code.endswith(".failed"):
            known = self._table("common").get("failed")
        return None if known is None else str(known)

    def _facts(self, evidence: Evidence) -> dict[str, Any]:
        """What a template may name."""
        details: Mapping[str, Any] = evidence.details
        common = self._table("common")
        facts = {
            "width": self._report.width,
            "height": self._report.height,
            "media_type": self._report.media_type,
            "percent": f"{100 * evidence.false_positive_rate:.1f} %"
            if evidence.false_positive_rate is not None
            else None,
            **details,
        }
        facts["who"] = details.get("signer") or common.get("unnamed")
        generator = details.get("generator")
        facts["by"] = fill(common["by"], details) if generator and "by" in common else ""
        for name, table in self._table("values").items():
            known = table.get(str(details.get(name)))
            facts[name] = details.get(name) if known is None else fill(known, facts)
        return facts

    def _label(self, label: str) -> str:
        known: Mapping[str, str] = self._table("labels")
        start = next((s for s in known if s.endswith("“") and label.startswith(s)), None)
        if start is not None:
            return known[start] + label.removeprefix(start)
        return known.get(label, label)

    def _rate(self, rate: float) -> str:
        if "one-in" not in self._table("common"):
            return english.rate(rate)
        common = self._words["common"]
        if rate <= 0:
            return str(common["tiny"])
        if rate < 0.01:
            return fill(common["one-in"], {"number": f"{1 / rate:,.0f}"})
        return f"{100 * rate:.2g} %"

    def _share(self, share: float) -> str:
        common = self._words["common"]
        if share > 0.999:
            return str(common["over"])
        return str(common["under"]) if share < 0.001 else f"{100 * share:.3g} %"

    def _joined(self, names: Iterable[str]) -> str:
        return str(self._table("common").get("comma", ", ")).join(names)

    def _table(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._words.get(name, {})
        return found
