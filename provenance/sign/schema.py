"""Refuses to sign what stricter readers refuse to read.

c2pa-rs signs unknown actions and labels, dates like "yesterday", any source type and foreign fields
in `c2pa.metadata`, and calls the result trusted; other readers then call the file invalid, when it
is too late. So the definition is checked here, once, just before signing. Clauses are those of the
C2PA specification 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from provenance.errors import SigningFailed
from provenance.sign import source_types
from provenance.sign.metadata_fields import disallowed

LABEL = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9_-]+)+")
"""Reverse domain form (6.2.1). A slash, which c2pa-rs takes, ends in an assertion nobody finds."""

ACTIONS = frozenset(
    "c2pa." + name
    for name in [
        "addedText",
        "adjustedColor",
        "changedSpeed",
        "color_adjustments",
        "converted",
        "created",
        "cropped",
        "deleted",
        "drawing",
        "dubbed",
        "edited",
        "edited.metadata",
        "enhanced",
        "filtered",
        "opened",
        "orientation",
        "placed",
        "published",
        "redacted",
        "removed",
        "repackaged",
        "resized",
        "resized.proportional",
        "transcoded",
        "translated",
        "trimmed",
        "unknown",
        "watermarked",
        "watermarked.bound",
        "watermarked.unbound",
    ]
)
"""Table of 18.15.2, with what 2.3 and 2.4 added. Others must be in reverse domain form."""

_OURS = frozenset({"c2pa.actions.v2", "c2pa.soft-binding", "cawg.training-mining"})
"""Made from the fields of `Statement`."""
_FREE = frozenset({"c2pa.metadata", "cawg.metadata"})
"""Taken as they are given, after the checks below."""
_RESERVED = ("c2pa.", "cawg.", "stds.")

_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
"""RFC 3339 with a time zone, which CBOR's tag 0 (`tdate`) asks for."""


def check(definition: Mapping[str, Any]) -> None:
    """Pass a manifest definition, or say what is wrong with it.

    Raises:
        SigningFailed: with every fault found. Never repeats a prompt.
    """
    faults = list(_faults(definition))
    if faults:
        raise SigningFailed("the manifest was not signed: " + "; ".join(faults))


def _faults(definition: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for agent in definition["claim_generator_info"]:
        yield from _agent(agent, "claim generator")
    for assertion in definition["assertions"]:
        label = assertion["label"]
        yield from _label(label)
        if label in seen:
            yield f"there are two assertions {label}; expected one"
        seen.add(label)
        if label == "c2pa.actions.v2":
            yield from _actions(assertion["data"]["actions"])
        elif label == "c2pa.metadata":
            yield from _metadata(assertion["data"])
    marked = any(
        a["action"] in {"c2pa.watermarked", "c2pa.watermarked.bound"}
        for a in definition["assertions"][0]["data"]["actions"]
    )
    if marked and "c2pa.soft-binding" not in seen:
        yield "a bound watermark needs a soft binding (18.15.4.7); name it in Statement.mark"


def _label(label: str) -> Iterator[str]:
    if not LABEL.fullmatch(label) or "__" in label:  # __ numbers the copies of a label (6.2.3)
        yield (
            f"'{label[:80]}' is no label; expected reverse domain form in a-z, 0-9, '.', '_', '-', "
            "such as com.example.review"
        )
    elif label.startswith(_RESERVED) and label not in _OURS | _FREE:
        yield f"the label {label} is C2PA's and not for assertions of your own"


def _actions(actions: list[Mapping[str, Any]]) -> Iterator[str]:
    for n, action in enumerate(actions):
        name = str(action["action"])
        if name.startswith("c2pa.") and name not in ACTIONS:
            yield f"there is no action {name[:80]} (18.15.2); use c2pa.edited and a description"
        elif not name.startswith("c2pa.") and not LABEL.fullmatch(name):
            yield f"'{name[:80]}' is no action; expected reverse domain form"
        if (name in {"c2pa.created", "c2pa.opened"}) != (n == 0):
            yield f"{name} is action {n + 1}; expected created or opened first, and nowhere else"
        if "softwareAgent" in action:
            yield from _agent(action["softwareAgent"], name)
        if not _is_date(action.get("when")):
            yield f"{name} has the date {action.get('when')!r}; expected 2026-11-21T12:00:00Z"
        stated = action.get("digitalSourceType")
        if stated is not None and (why := source_types.problem(str(stated))):
            yield f"{name} has the source type {str(stated)[:100]!r}: {why}"
        elif stated is None and name == "c2pa.created":
            yield "c2pa.created has no source type (18.15.4.3)"


def _agent(agent: Any, where: str) -> Iterator[str]:
    name = agent.get("name") if isinstance(agent, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        yield f"the software of {where} has no name; expected a generator with a name"


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _WHEN.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _metadata(data: Mapping[str, Any]) -> Iterator[str]:
    context = data.get("@context")
    if not isinstance(context, Mapping) or not context:
        yield "c2pa.metadata has no @context; expected its namespaces by prefix (18.18)"
        return
    fields = [name for name in data if name != "@context"]
    for name in fields:
        prefix = name.split(":")[0]
        if prefix not in context:
            yield f"c2pa.metadata has {name[:80]}, whose prefix @context does not name"
    refused = sorted(disallowed(fields))
    if refused:
        yield (
            f"c2pa.metadata must not hold {', '.join(refused)[:200]} (annex B); "
            "put such fields into cawg.metadata"
        )
