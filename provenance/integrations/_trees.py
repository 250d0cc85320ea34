"""The parts of a container, and a container of the same type with some of them changed.

What stands inside is asked from the container itself and from its attributes, since a class may
keep a picture in both (the outputs of diffusers and transformers do).
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, is_dataclass
from types import SimpleNamespace
from typing import Any

from provenance.integrations._carrying import KEPT

_RESULTS = frozenset({"images", "image", "frames"})
"""Attributes by which an object of a class that we do not know is taken for a result."""

_MODELS = ("__pydantic_fields_set__", "__fields_set__", "__attrs_attrs__")
"""By which instances of pydantic 2, pydantic 1 and attrs are told, without importing them."""

_HIDDEN = ("__pydantic_extra__", "__pydantic_private__")
"""Where pydantic keeps what is in no field."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something in a container.

    Attributes:
        name: as it would be written in code, such as `.image` or `[0]`.
        value: what stands there.
        put: puts another value there, in a copy of the container. None where all parts are
            needed at once to make one.
    """

    name: str
    value: Any
    put: Callable[[Any, Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """A container, taken apart."""

    of: Any
    items: list[Part]
    attributes: list[Part]

    def remade(self, changes: Mapping[int, Any]) -> Any:
        """The same container with other values, by the place of their part in the whole list."""
        new = self._copied(changes)
        for place, part in enumerate([*self.items, *self.attributes]):
            if place in changes and part.put is not None:
                part.put(new, changes[place])
        return new

    def _copied(self, changes: Mapping[int, Any]) -> Any:
        if not self.items or self.items[0].put is not None:
            return copy.copy(self.of)
        kind, of = type(self.of), self.of
        values = [changes.get(place, part.value) for place, part in enumerate(self.items)]
        if isinstance(of, Mapping):
            return kind(dict(zip(of, values, strict=True)))
        return kind._make(values) if hasattr(kind, "_make") else kind(values)


def parts(value: Any) -> Parts | None:
    """The parts of a container; None if it is none."""
    if isinstance(value, type):
        return None
    attributes = list(_attributes(value))
    if isinstance(value, Mapping):
        put = isinstance(value, MutableMapping)
        items = [Part(f"[{_shown(k)}]", v, _item(k) if put else None) for k, v in value.items()]
    elif isinstance(value, list | deque):
        items = [Part(f"[{n}]", each, _item(n)) for n, each in enumerate(value)]
    elif isinstance(value, tuple | set | frozenset):
        items = [Part(f"[{n}]", each) for n, each in enumerate(value)]
    elif _is_model(value) or any(part.name[1:] in _RESULTS for part in attributes):
        items = []
    else:
        return None
    return Parts(value, items, attributes)


def _is_model(value: Any) -> bool:
    known = is_dataclass(value) or isinstance(value, SimpleNamespace)
    return known or any(hasattr(value, name) for name in _MODELS)


def _attributes(value: Any) -> Iterator[Part]:
    """What an object keeps: in its `__dict__`, in its slots, and where pydantic hides it."""
    table = getattr(value, "__dict__", {})
    ours = {KEPT} | ({"assets"} if table.get("assets") is table.get(KEPT) else set())
    for name, held in table.items():
        if name in ours:
            continue
        yield Part(f".{name}", held, _entry("__dict__", name))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield Part(f".{name}", getattr(value, name), _attribute(name))
    for hidden in _HIDDEN:
        for name, held in (getattr(value, hidden, None) or {}).items():
            if name == KEPT:
                continue
            yield Part(f".{name}", held, _entry(hidden, name))


def _item(key: Any) -> Callable[[Any, Any], None]:
    def put(new: Any, value: Any) -> None:
        new[key] = value

    return put


def _entry(table: str, name: str) -> Callable[[Any, Any], None]:
    """Into a table of attributes, without the checks of a frozen class or a model."""

    def put(new: Any, value: Any) -> None:
        getattr(new, table)[name] = value

    return put


def _attribute(name: str) -> Callable[[Any, Any], None]:
    def put(new: Any, value: Any) -> None:
        object.__setattr__(new, name, value)

    return put


def _shown(key: Any) -> str:
    return repr(key) if isinstance(key, int) or (isinstance(key, str) and len(key) < 60) else "…"
