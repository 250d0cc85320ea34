"""The files that a picture was made from, as c2pa takes them.

Source: C2PA 2.2, section 18.16 (`c2pa.ingredient.v3`): `parentOf` for the one that was opened,
`componentOf` for what was placed, `inputTo` for what a generator was given.
"""

from __future__ import annotations

from collections.abc import Iterator

from provenance.sign import actions
from provenance.sign.interface import Ingredient, Statement


def linked(statement: Statement) -> Iterator[tuple[dict[str, str], Ingredient]]:
    """Each ingredient with its definition; `label` is what its action calls it."""
    if statement.parent is not None:
        yield _definition(statement.parent, "parentOf", actions.PARENT), statement.parent
    for n, placed in enumerate(statement.placed):
        yield _definition(placed, "componentOf", actions.component(n)), placed
    for n, given in enumerate(statement.references):
        yield _definition(given, "inputTo", actions.reference(n)), given


def _definition(ingredient: Ingredient, relationship: str, label: str) -> dict[str, str]:
    named = {"title": ingredient.title, "relationship": relationship, "label": label}
    if ingredient.description:
        named["description"] = ingredient.description
    return named
