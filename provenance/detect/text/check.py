"""Looks for lettering that cannot be read because it is none: a tell of generated pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from provenance.detect import tell
from provenance.detect.text.find import Finder
from provenance.detect.text.interface import Line, LineFinder, LineReader
from provenance.detect.text.judge import SMALLEST, Judgement, Kind, judge
from provenance.detect.text.read import Reader
from provenance.detect.text.session import MODEL
from provenance.evidence import Evidence, Status
from provenance.verify.interface import Subject

MOST = 40
"""Lines that are read, the largest first; more would only cost time."""

MOST_AGAIN = 12
"""Lines that are read more than once, the largest first: each takes eleven times as long."""

_SHOWN = 20
"""Texts that the details repeat."""


class TextCheck:
    """Finds lines of text and says which are gibberish. About 0.1 s CPU, 0.4 s with much to doubt.

    Args:
        finder: finds the lines.
        reader: reads them.
    """

    name = "text"

    def __init__(self, finder: LineFinder | None = None, reader: LineReader | None = None) -> None:
        self._finder = finder or Finder()
        self._reader = reader or Reader()

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """Gibberish with boxes and rates, legible text, or why there is nothing to say."""
        return tell.looked(self.name, MODEL, subject, self._seen)

    def _seen(self, image: Image.Image) -> Evidence:
        lines = self._finder.lines(image)
        area = [-line.width * line.height for line in lines]
        largest = sorted(range(len(lines)), key=area.__getitem__)[:MOST]
        metrics = _metrics()
        found: dict[int, Judgement] = {}
        for index in largest:
            scored = sum(each.score is not None for each in found.values())
            cut, again = lines[index].cut(image), scored < MOST_AGAIN
            found[index] = judge(cut, self._reader, metrics["threshold"], again=again)
        judged = [(lines[index], found[index]) for index in sorted(found)]
        rate = tell.detection_rate(metrics["generated"]["pictures"])
        details = {**_details(judged, len(lines)), "detection_rate": rate}
        if any(each.kind is Kind.GIBBERISH for each in found.values()):
            return _gibberish(judged, image.size, details, metrics)
        return _nothing(details)


Judged = Sequence[tuple[Line, Judgement]]


def _gibberish(
    judged: Judged, size: tuple[int, int], details: dict[str, Any], metrics: Mapping[str, Any]
) -> Evidence:
    """The evidence of lines that look like writing and are none."""
    guilty = [(line, found) for line, found in judged if found.kind is Kind.GIBBERISH]
    rates = metrics["false_positive_rate"]
    count = "One line looks" if len(guilty) == 1 else f"{len(guilty)} lines look"
    return Evidence(
        "text",
        "text.gibberish",
        Status.SUGGESTED,
        f"{count} like writing and cannot be read, as lettering of picture generators often "
        "is. Ornaments, worn signs and unusual lettering can look the same.",
        advice="Look at the marked places: letters that are no letters are easy to see by eye.",
        score=max(found.score or 0.0 for _, found in guilty),
        false_positive_rate=rates["picture"],
        details={**details, "false_positive_rate_per_line": rates["line"]},
        boxes=tuple(
            line.box(size, f"gibberish, reads like “{found.text}”", found.score)
            for line, found in guilty
        ),
        weight=tell.worth(metrics),
    )


def _nothing(details: dict[str, Any]) -> Evidence:
    """No gibberish: because all is legible, too small, unclear, or because there are no lines."""
    legible = details[Kind.LEGIBLE.value]
    if legible:
        code, status = "text.legible", Status.ABSENT
        seen = "One line of text was" if legible == 1 else f"{legible} lines of text were"
        text = f"{seen} read, and none looks like gibberish. Generators can write, too."
    elif details[Kind.UNCLEAR.value]:
        code, status = "text.unclear", Status.ABSENT
        text = (
            "What looks like text is out of focus, too short, or in a script that is not read "
            "here, so it was not judged."
        )
    elif details[Kind.SMALL.value]:
        code, status = "text.too-small", Status.UNCHECKED
        text = f"The text is too small to judge: a line needs a height of {SMALLEST:.0f} pixels."
    else:
        code, status, text = "text.none", Status.ABSENT, "No text was found."
    return Evidence("text", code, status, text, details=details)


def _details(judged: Judged, lines: int) -> dict[str, Any]:
    """How many lines are of each kind, and what the legible ones say."""
    kinds = {
        kind.value: sum(found.kind is kind and bool(found.text.strip()) for _, found in judged)
        for kind in Kind
    }
    texts = [found.text for _, found in judged if found.kind is Kind.LEGIBLE][:_SHOWN]
    return {"lines": lines, **kinds, "texts": texts}


def _metrics() -> Any:
    from provenance_models import read_json

    return read_json("text", "metrics.json")
