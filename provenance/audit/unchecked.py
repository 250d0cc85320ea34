"""What an audit did not look for, in sentences: silence is no answer, so every report says them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provenance.moderate.interface import CATEGORIES

_UNREAD = {
    "none": "headers alone were asked for (--pixels none)",
    "doubt": "their metadata names a generator, or they are films (--pixels doubt)",
    "sample": "they are not in the random sample, or are films (--pixels)",
    "all": "they are films",
}
_MISSING = "not checked: "


def unchecked(summary: Mapping[str, Any]) -> list[str]:
    """Checks that did not run, or not on all pictures, each with its reason.

    Args:
        summary: as `Summary.to_dict` gives it.
    """
    asked, looked = summary["asked"], summary["counts"].get("examined", {}).get("pixels", 0)
    found = []
    if missing := summary["unfinished_shards"]:
        found.append(f"{missing:,} parts of the dataset: they could not be finished")
    if unread := summary["pictures"] - looked:
        of = "any picture" if not looked else f"{unread:,} of {summary['pictures']:,} pictures"
        found.append(
            f"the pixels of {of}: {_UNREAD[asked['pixels']]}; so no marks, looks, unsafe content "
            "and near-duplicates"
        )
    if looked:
        found += [*_looks(summary), *_marks(asked), *_safety(summary)]
        if not asked["duplicates"]:
            found.append("near-duplicates: not asked for")
    if not asked["tells"]:
        found.append("malformed hands and gibberish text: not asked for (--tells)")
    if not asked["credentials"]:
        found.append("content credentials: not asked for")
    return found


def _looks(summary: Mapping[str, Any]) -> Iterator[str]:
    asked, generated = summary["asked"], summary["generated"]
    detector = asked["versions"].get("detector", "")
    if not asked["detector"]:
        yield "whether pixels look generated: not asked for"
    elif detector.startswith(_MISSING):
        yield f"whether pixels look generated: {detector.removeprefix(_MISSING)}"
    elif unjudged := generated["examined"] - generated["judged"]:
        yield (
            f"whether {unjudged:,} of {generated['examined']:,} pictures look generated: they are "
            "graphics, or too small for the detector"
        )


def _marks(asked: Mapping[str, Any]) -> Iterator[str]:
    if not asked["watermark"]:
        yield "watermarks: not asked for"
    elif asked["versions"].get("watermark") == "no key":
        yield "your own watermark: there is no key (provenance init, or --config)"


def _safety(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["asked"]["moderation"]:
        yield "unsafe content: not asked for"
        return
    if failed := summary["counts"].get("moderation", {}).get("could not judge"):
        yield f"unsafe content of {failed:,} pictures: moderation could not judge them"
    scored = summary["asked"]["versions"].get("moderation")
    if scored is not None:
        rest = [each for each in CATEGORIES if each not in scored.split(", ")]
        if rest:
            yield f"unsafe content of the kinds {', '.join(rest)}: the policy has nothing for them"
