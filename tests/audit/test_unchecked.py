"""Reports name what was not looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provenance.audit.page import page
from provenance.audit.plan import Asked, Pixels
from provenance.audit.summary import Part, Summary
from provenance.audit.unchecked import unchecked
from provenance.audit.versions import versions
from provenance_cli.audit_text import summary_text

READY = {"detector": "clip head 0 threshold 1", "watermark": "tile"}


def summary(asked: Asked, looked: int, judged: int, **counts: dict[str, int]) -> dict[str, Any]:
    """Of ten pictures, none of which says that it is synthetic."""
    part = Part(10, 0, looked, judged, 0)
    made = Summary(asked, ["data"], part, files=10).to_dict()
    examined = {"pixels": looked, "headers": 10 - looked}
    made["counts"] = {**made["counts"], "examined": examined, **counts}
    return made


EVERYTHING = Asked(Pixels.ALL, tells=True, versions=READY)


def test_nothing_is_said_where_everything_was_checked() -> None:
    complete = summary(EVERYTHING, 10, 10)
    assert unchecked(complete) == []
    assert "not checked" not in summary_text(complete)
    assert "Not checked" not in page(complete, {})


@pytest.mark.parametrize(
    ("asked", "looked", "judged", "says"),
    [
        (replace(EVERYTHING, pixels=Pixels.NONE), 0, 0, "the pixels of any picture: headers alone"),
        (replace(EVERYTHING, pixels=Pixels.DOUBT), 4, 4, "the pixels of 6 of 10 pictures: their"),
        (replace(EVERYTHING, pixels=Pixels.SAMPLE), 1, 1, "the pixels of 9 of 10 pictures: they"),
        (
            replace(EVERYTHING, versions={**READY, "detector": "not checked: run it"}),
            10,
            0,
            "whether pixels look generated: run it",
        ),
        (EVERYTHING, 10, 7, "whether 3 of 10 pictures look generated"),
        (replace(EVERYTHING, tells=False), 10, 10, "malformed hands and gibberish text: not asked"),
        (replace(EVERYTHING, detector=False), 10, 0, "whether pixels look generated: not asked"),
        (replace(EVERYTHING, moderation=False), 10, 10, "unsafe content: not asked for"),
        (replace(EVERYTHING, watermark=False), 10, 10, "watermarks: not asked for"),
        (replace(EVERYTHING, duplicates=False), 10, 10, "near-duplicates: not asked for"),
        (replace(EVERYTHING, credentials=False), 10, 10, "content credentials: not asked for"),
        (
            replace(EVERYTHING, versions={**READY, "watermark": "no key"}),
            10,
            10,
            "your own watermark: there is no key",
        ),
        (
            replace(EVERYTHING, versions={**READY, "moderation": "nudity, gore"}),
            10,
            10,
            "unsafe content of the kinds sexual, sexual-minors, violence, weapons",
        ),
    ],
)
def test_what_did_not_run_is_named_everywhere(
    asked: Asked, looked: int, judged: int, says: str
) -> None:
    made = summary(asked, looked, judged)
    (sentence,) = unchecked(made)
    assert sentence.startswith(says)
    assert says.split(":")[0] in " ".join(summary_text(made).split())
    assert says.split(":")[0] in page(made, {})


def test_what_moderation_could_not_judge() -> None:
    made = summary(EVERYTHING, 10, 10, moderation={"could not judge": 2})
    assert unchecked(made) == ["unsafe content of 2 pictures: moderation could not judge them"]


def test_unfinished_parts() -> None:
    made = {**summary(EVERYTHING, 10, 10), "unfinished_shards": 3}
    assert unchecked(made) == ["3 parts of the dataset: they could not be finished"]


def test_no_report_calls_a_picture_genuine() -> None:
    for asked, judged in ((EVERYTHING, 10), (Asked(Pixels.NONE), 0)):
        made = summary(asked, judged, judged)
        for text in (summary_text(made), page(made, {})):
            for word in ("authentic", "genuine", "not AI", "human-made", "no AI"):
                assert word.lower() not in text.lower()


def test_categories_that_nobody_scores_are_named() -> None:
    asked = replace(EVERYTHING, versions={**READY, **versions(Asked(Pixels.ALL), None)})
    assert asked.versions["moderation"] == "nudity"
    (said,) = (each for each in unchecked(summary(asked, 10, 10)) if "kinds" in each)
    assert "gore" in said
    assert "nudity" not in said
