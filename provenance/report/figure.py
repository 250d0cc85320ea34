"""The examined picture with what was seen in it: numbered places, and heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provenance.evidence import Box, Evidence
from provenance.report.markup import Markup, joined, tag
from provenance.report.pictures import Shown, heat_map
from provenance.report.words import CHECKS

MOST_PLACES = 60


def figures(shown: Shown | None, evidence: Sequence[Evidence]) -> Markup:
    """The picture, the list of its marked places, and one more picture for each heat map."""
    if shown is None:
        return tag("p", "There is no picture to show: the pixels of this file were not read.")
    places = list(_places(shown, evidence))
    what = f"The examined picture with {len(places)} marked places." if places else _WHAT
    image = tag("image", id="picture", href=shown.address, width=shown.width, height=shown.height)
    drawn = (_drawn(shown, number, box) for number, (_, box) in enumerate(places, 1))
    first = tag(
        "figure",
        _canvas(shown, what, image, *drawn),
        tag("figcaption", f"{_WHAT} {_SMALLER}", _legend(places)),
    )
    heats = [_heat(shown, each) for each in evidence if each.heat]
    return tag("div", first, *heats, class_="figures")


_WHAT = "The examined picture."
_SMALLER = "Scaled down and written anew for this report."


def _places(shown: Shown, evidence: Sequence[Evidence]) -> Iterator[tuple[Evidence, Box]]:
    """Every box that lies in the picture, cut to it."""
    found = ((each, box) for each in evidence for box in each.boxes)
    for number, (each, box) in enumerate(found):
        if number >= MOST_PLACES:
            return
        left, top = max(0, box.left), max(0, box.top)
        right, bottom = min(shown.width, box.right), min(shown.height, box.bottom)
        if left < right and top < bottom:
            yield each, Box(left, top, right, bottom, box.label, box.score)


def _canvas(shown: Shown, label: str, *content: Markup) -> Markup:
    box = f"0 0 {shown.width} {shown.height}"
    ground = tag("rect", class_="ground", width=shown.width, height=shown.height)
    role = "group" if any("<a " in piece for piece in content) else "img"
    return tag("svg", ground, *content, viewBox=box, role=role, aria_label=label)


def _drawn(shown: Shown, number: int, box: Box) -> Markup:
    """A frame in two tones, to be seen on any ground, with its number; a link to its words."""
    place = {
        "x": box.left,
        "y": box.top,
        "width": box.right - box.left,
        "height": box.bottom - box.top,
    }
    size = max(shown.width, shown.height) / 36
    wide = size * (0.8 + 0.6 * len(str(number)))
    left = min(box.left, max(0.0, shown.width - wide))
    top = max(0.0, box.top - size * 1.3)
    return tag(
        "a",
        tag("rect", class_="under", **place),
        tag("rect", class_="over", **place),
        tag("rect", class_="badge", x=left, y=top, width=wide, height=size * 1.3),
        tag(
            "text",
            str(number),
            x=left + wide / 2,
            y=top + size,
            font_size=size,
            text_anchor="middle",
        ),
        href=f"#place-{number}",
        id=f"box-{number}",
        class_="place",
        aria_label=f"Place {number}: {box.label or 'seen here'}",
    )


def _legend(places: Sequence[tuple[Evidence, Box]]) -> Markup:
    if not places:
        return Markup("")
    items = [
        tag(
            "li",
            tag("a", f"{box.label or 'Seen here'}", href=f"#box-{number}"),
            f" – {_check(each)}{_scored(box)}",
            id=f"place-{number}",
            tabindex="-1",
        )
        for number, (each, box) in enumerate(places, 1)
    ]
    return tag("ol", *items, class_="places")


def _scored(box: Box) -> str:
    return "" if box.score is None else f", score {box.score:.2f}"


def _heat(shown: Shown, evidence: Evidence) -> Markup:
    """The same picture, not written twice, under the heat."""
    address = heat_map(evidence.heat)
    if address is None:
        return Markup("")
    label = f"Where the check “{_check(evidence)}” saw what it reports"
    over = tag(
        "image",
        href=address,
        width=shown.width,
        height=shown.height,
        preserveAspectRatio="none",
    )
    return tag(
        "figure",
        _canvas(shown, label, tag("use", href="#picture", class_="pale"), over),
        tag("figcaption", joined(f"{label}: the redder, the more.")),
    )


def _check(evidence: Evidence) -> str:
    return CHECKS.get(evidence.source, (evidence.source, ""))[0]
