"""The assertion `c2pa.actions.v2`: what was done, in order.

Source: C2PA 2.2, section 18.15. The first action is `c2pa.created` or `c2pa.opened` (18.15.4.7);
`opened` and `placed` name their ingredient (18.15.4.4); `watermarked.bound` needs a soft binding
(C2PA 2.3, section 18.15.2).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from provenance._version import __version__
from provenance.sign.interface import Edit, Generator, Statement

LABEL = "c2pa.actions.v2"

PARENT = "parent"
"""Links the parent to the action that opened it; never leaves the definition."""

OURSELVES = Generator("provenance-kit", __version__)


def data(statement: Statement) -> dict[str, Any]:
    """The assertion for a statement."""
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    actions = [_first(statement)]
    actions += [_edit(edit, statement.generator) for edit in statement.edits]
    actions += [_placed(n, statement.generator) for n in range(len(statement.placed))]
    # The inputs belong to what made the pixels: the creation, or the first edit of a parent. An
    # opening names its parent alone (18.15.4.4); without an edit they stay by themselves.
    made = actions[0] if statement.parent is None else next(iter(actions[1:]), None)
    if made is not None and statement.references and made["action"] != "c2pa.placed":
        inputs = [reference(n) for n in range(len(statement.references))]
        made["parameters"] = {"ingredientIds": inputs}
    if statement.mark is not None:
        actions.append({"action": "c2pa.watermarked.bound", "softwareAgent": agent(OURSELVES)})
    return {"actions": [{**action, "when": when} for action in actions]}


def component(number: int) -> str:
    """Links a placed ingredient to its action."""
    return f"component-{number}"


def reference(number: int) -> str:
    """Links an input to the action that used it."""
    return f"reference-{number}"


def agent(generator: Generator) -> dict[str, str]:
    """A generator-info map; an unknown version is left out rather than invented."""
    named = {"name": generator.name}
    return {**named, "version": generator.version} if generator.version else named


def _first(statement: Statement) -> dict[str, Any]:
    """`created` or, for a picture with a history, `opened`."""
    if statement.parent is not None:
        return {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}}
    return {
        "action": "c2pa.created",
        "digitalSourceType": statement.source_type.uri,
        "softwareAgent": agent(statement.generator),
    }


def _edit(edit: Edit, generator: Generator) -> dict[str, Any]:
    done: dict[str, Any] = {
        "action": edit.action,
        "softwareAgent": agent(edit.agent or generator),
    }
    if edit.source_type is not None:
        done["digitalSourceType"] = edit.source_type.uri
    if edit.description:
        done["description"] = edit.description
    return done


def _placed(number: int, generator: Generator) -> dict[str, Any]:
    return {
        "action": "c2pa.placed",
        "parameters": {"ingredientIds": [component(number)]},
        "softwareAgent": agent(generator),
    }
