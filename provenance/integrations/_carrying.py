"""Assets beside a value: `value.assets`, whatever type the value has.

What takes attributes gets one. Lists, dicts, tuples, texts, bytes, arrays and classes with slots
take none, so they become an instance of a subclass of the same name, which compares, prints and
serialises like the original. A copy or a pickle carries no assets: what can be altered is no longer
what was protected. A `memoryview` cannot carry any.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from provenance.picture import Asset

KEPT = "_provenance_assets"
"""The attribute that is asked; `assets` is for people, and may be a field of the class already."""

_FROM_ITSELF = (list, dict, tuple, str, bytes, bytearray, set, frozenset)


def carrying(value: Any, assets: Sequence[Asset]) -> Any:
    """The value with the assets beside it: itself if it takes attributes, else as a subclass."""
    if isinstance(value, Asset | memoryview):
        return value
    given = tuple(assets)
    if getattr(value, "__pydantic_extra__", None) is not None:
        # A model that takes any field would write the assets into its JSON.
        private = getattr(value, "__pydantic_private__", None) or {}
        object.__setattr__(value, "__pydantic_private__", {**private, KEPT: given})
        return value
    if not hasattr(value, "__dict__"):
        value = _as_subclass(value)
    object.__setattr__(value, KEPT, given)
    if not hasattr(value, "assets"):
        object.__setattr__(value, "assets", given)
    return value


def assets_of(value: Any) -> tuple[Asset, ...]:
    """The assets beside what a protected function returned; none for anything else."""
    if isinstance(value, Asset):
        return (value,)
    kept = getattr(value, "__dict__", {}).get(KEPT)
    if kept is None:
        kept = (getattr(value, "__pydantic_private__", None) or {}).get(KEPT)
    return kept or ()


def _as_subclass(value: Any) -> Any:
    kind: Any = type(value)
    subclass = _subclass(kind)
    if isinstance(value, np.ndarray):
        return value.view(subclass)
    if isinstance(value, tuple):
        return tuple.__new__(subclass, value)
    if isinstance(value, _FROM_ITSELF) or hasattr(value, "__fspath__"):
        return subclass(value)
    return _with_slots(value, subclass)


@functools.lru_cache(maxsize=256)
def _subclass(kind: Any) -> Any:
    """A class of the same name whose instances take attributes, and copy without them."""

    def reduced(self: Any, _protocol: Any) -> Any:
        return _itself, (_plain(self, kind),)

    made: Any = types.new_class(kind.__name__, (kind,))
    for name in ("__doc__", "__module__", "__qualname__"):
        setattr(made, name, getattr(kind, name))
    made.__reduce_ex__ = reduced
    return made


def _itself(value: Any) -> Any:
    return value


def _plain(value: Any, kind: type) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(kind)
    if isinstance(value, tuple):
        return tuple.__new__(kind, value)
    if isinstance(value, _FROM_ITSELF) or hasattr(value, "__fspath__"):
        return kind(value)
    return _with_slots(value, kind)


def _with_slots(value: Any, kind: Any) -> Any:
    """The value as an instance of a related class, without asking the constructor."""
    new = kind.__new__(kind)
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and not name.startswith("__"):
                object.__setattr__(new, name, getattr(value, name))
    return new
