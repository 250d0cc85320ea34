"""What an audit found, in numbers: counts, breakdowns, and how much is generated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.interface import State
from provenance.audit.plan import Asked
from provenance.audit.run import Run
from provenance.audit.statistics import (
    Estimate,
    Rates,
    Stratum,
    bootstrap,
    needed,
    prevalence,
    with_known,
)
from provenance.audit.tally import Tally
from provenance.audit.unchecked import unchecked
from provenance.errors import InputError
from provenance.evidence import Result

VERSION = "provenance.audit.summary/1"

MOST = 100
"""Classes, generators and the like that are listed by name; the rest are counted together."""

_COLUMNS = [
    *("label", "split", "size", "state", "media_type", "examined", "result", "generator"),
    *("claimed", "camera", "watermark", "opt_out", "action", "causes", "pixel_call"),
]
_ACTIONS = ("allow", "not judged", "")


@dataclass(slots=True)
class Part:
    """Counts of a part of the dataset: a class, a split, or all.

    Attributes:
        pictures: that could be examined.
        known: of these, generated or edited with AI by a signature, a mark or a claim.
        examined: of the others, those whose pixels were looked at.
        judged: of these, those that the detector judged.
        called: of these, those that it called generated.
    """

    pictures: int = 0
    known: int = 0
    examined: int = 0
    judged: int = 0
    called: int = 0

    def add(self, numbers: tuple[int, int, int, int, int]) -> None:
        """Count more, in the order above."""
        self.pictures += numbers[0]
        self.known += numbers[1]
        self.examined += numbers[2]
        self.judged += numbers[3]
        self.called += numbers[4]

    def stratum(self, name: str) -> Stratum:
        """The part that the detector can speak of: as large as the share that it judged."""
        rest = self.pictures - self.known
        share = self.judged / self.examined if self.examined else 0.0
        return Stratum(name, max(self.judged, round(rest * share)), self.judged, self.called)

    def estimate(self, name: str, rates: Rates) -> Estimate | None:
        """How much of it is generated, what is known and what the detector says together."""
        stratum = self.stratum(name)
        rest = prevalence([stratum], rates)
        if rest is None and self.known < self.pictures:
            return None  # nothing says anything of the others
        return with_known(rest, self.known, stratum.population)


@dataclass(slots=True)
class Summary:
    """Everything that is counted. Made by `summarised`, ready for JSON by `to_dict`."""

    asked: Asked
    sources: list[str]
    whole: Part = field(default_factory=Part)
    labels: Tally = field(default_factory=lambda: Tally(len(fields(Part))))
    splits: Tally = field(default_factory=lambda: Tally(len(fields(Part))))
    files: int = 0
    size: int = 0
    counts: dict[str, Tally] = field(default_factory=dict)
    unfinished: int = 0
    duplicates: Mapping[str, int] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row."""
        self.files += 1
        self.size += row["size"] or 0
        self._count("states", row["state"])
        if row["state"] != State.OK.value:
            return
        self._count("media_types", row["media_type"])
        self._count("examined", row["examined"])
        self._count("results", row["result"])
        named = row["result"] in (Result.GENERATED.value, Result.EDITED.value)
        if row["claimed"] and not named:
            self._count("claimed", row["claimed"])
        if row["generator"] and (named or row["claimed"]):
            self._count("generators", row["generator"])
        if row["camera"]:
            self._count("camera", "traces of a camera")
        if row["watermark"]:
            self._count("watermarks", row["watermark"])
        for statement in row["opt_out"]:
            self._count("opt_out", statement)
        self._count("opted_out", "yes" if row["opt_out"] else "no")
        self._moderated(row)
        known = named or bool(row["claimed"])
        examined = not known and row["examined"] == "pixels"
        judged = examined and row["pixel_call"] is not None
        called = judged and row["pixel_call"]
        numbers = (1, int(known), int(examined), int(judged), int(called))
        self.whole.add(numbers)
        if row["label"]:
            self.labels.add(row["label"], numbers)
        if row["split"]:
            self.splits.add(row["split"], numbers)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        rates = detector_rates()
        strata = [part.stratum(name) for name, part in sorted(self._strata().items())]
        rest = prevalence(strata, rates)
        population = sum(s.population for s in strata if s.judged)
        silent = rest is None and self.whole.known < self.whole.pictures
        total = None if silent else with_known(rest, self.whole.known, population)
        checked = bootstrap(strata, rates)
        made = {
            "schema": VERSION,
            "sources": self.sources,
            "asked": self.asked.to_dict(),
            "files": self.files,
            "bytes": self.size,
            "pictures": self.whole.pictures,
            "unfinished_shards": self.unfinished,
            "counts": {name: _top(c) for name, c in sorted(self.counts.items())},
            "duplicates": dict(self.duplicates),
            "generated": {
                "known": self.whole.known,
                "examined": self.whole.examined,
                "judged": self.whole.judged,
                "called": self.whole.called,
                "estimate": total.to_dict() if total else None,
                "rest": rest.to_dict() if rest else None,
                "rest_bootstrap95": [round(x, 6) for x in checked] if checked else None,
                "detector": {
                    "sensitivity": [rates.found, rates.generated],
                    "false_positives": [rates.accused, rates.others],
                },
            },
            "by_label": _listed(self.labels, rates),
            "by_split": _listed(self.splits, rates),
        }
        return {**made, "not_checked": unchecked(made)}

    def _moderated(self, row: Mapping[str, Any]) -> None:
        if row["action"] not in _ACTIONS:
            self._count("actions", row["action"])
        if row["action"] == "not judged":
            self._count("moderation", "could not judge")
        for category in row["causes"]:
            self._count("unsafe", category)

    def _count(self, what: str, name: str) -> None:
        self.counts.setdefault(what, Tally()).add(name)

    def _strata(self) -> dict[str, Part]:
        """Classes if there are some and each was judged often enough to stand alone; else all."""
        named = {name: Part(*numbers) for name, numbers in (self.labels.all() or {}).items()}
        enough = all(part.judged >= _ENOUGH for part in named.values())
        if named and enough and self.labels.total() == self.whole.pictures:
            return named
        return {"all": self.whole}


_ENOUGH = 30
"""Pictures judged in a stratum; fewer make the normal approximation poor (Cochran 1977, 3.4)."""


def summarised(run: Run, duplicates: Mapping[str, int] | None = None) -> Summary:
    """Count the rows of an audit.

    Args:
        run: the audit.
        duplicates: counts of near-duplicates, if they were looked for.

    Raises:
        InputError: the audit or one of its files is damaged.
    """
    plan = run.plan()
    summary = Summary(Asked.from_dict(plan["asked"]), list(plan["sources"]))
    summary.unfinished = plan["totals"]["shards"]
    for part in run.parts():
        summary.unfinished -= 1
        for row in _rows(part):
            summary.add(row)
    summary.duplicates = duplicates or {}
    return summary


def detector_rates() -> Rates:
    """How the pixel detector did on sources that it was not trained on: models/pixels."""
    text = files("provenance_models").joinpath("pixels", "metrics.json").read_text("utf-8")
    metrics = json.loads(text)
    lowest = metrics["levels"][0]  # from which on a picture is called generated
    found, accused = lowest["generated_called_generated"], lowest["real_called_generated"]
    return Rates(found["hit"], found["n"], accused["hit"], accused["n"])


def needed_for(summary: Mapping[str, Any], half_width: float) -> tuple[int, int | None]:
    """How many pictures were judged, and must be for an interval of ± `half_width` in all.

    Args:
        summary: as `Summary.to_dict` gives it.
        half_width: of the share in the whole dataset.

    Returns:
        Both numbers; the second is None if no number is enough.

    Raises:
        InputError: nothing was judged, so that nothing is known to begin with.
    """
    generated = summary["generated"]
    rest, total = generated["rest"], generated["estimate"]
    if rest is None or total is None:
        raise InputError("no pixels were judged in this audit; run it with --pixels 5% first")
    rates = Rates(*generated["detector"]["sensitivity"], *generated["detector"]["false_positives"])
    part = rest["population"] / total["population"]
    stratum = Stratum("all", rest["population"], generated["judged"], generated["called"])
    return generated["judged"], needed([stratum], rates, min(0.99, half_width / part))


def _rows(part: Path) -> Iterable[Mapping[str, Any]]:
    for batch in schema.batches(part, _COLUMNS):
        yield from batch.to_pylist()


def _top(tally: Tally) -> dict[str, int]:
    """The most frequent, ties by name; what is beyond the list is counted as `…`."""
    listed = {name: count for name, (count,) in tally.top(MOST)}
    rest = tally.total() - sum(listed.values())
    return listed | ({"…": rest} if rest else {})


def _listed(parts: Tally, rates: Rates) -> list[dict[str, Any]]:
    listed = []
    for name, numbers in parts.top(MOST):
        part = Part(*numbers)
        estimate = part.estimate(name, rates)
        listed.append(
            {
                "name": name,
                "pictures": part.pictures,
                "known": part.known,
                "judged": part.judged,
                "called": part.called,
                "estimate": estimate.to_dict() if estimate else None,
            }
        )
    return listed
