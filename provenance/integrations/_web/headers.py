"""The fields of a request or an answer, in their order; names in any case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Fields: TypeAlias = "list[tuple[str, str]]"


def get(fields: Fields, name: str) -> str:
    """The values of a field, joined by commas; empty if it is not there."""
    return ", ".join(value for each, value in fields if each.lower() == name)


def without(fields: Fields, names: Iterable[str]) -> Fields:
    """All other fields; a name that ends in a hyphen stands for all that begin so."""
    exact = {name for name in names if not name.endswith("-")}
    begins = tuple(name for name in names if name.endswith("-"))
    return [
        (name, value)
        for name, value in fields
        if name.lower() not in exact and not name.lower().startswith(begins or ("\0",))
    ]


def with_field(fields: Fields, name: str, value: str) -> Fields:
    """The fields with this one in place of any of its name."""
    return [*without(fields, [name.lower()]), (name, value)]
