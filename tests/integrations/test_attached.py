"""Objects whose class is exchanged."""

from __future__ import annotations

import inspect
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from provenance.integrations._attached import (
    original_class,
    protected_class,
    protection_of,
    running,
)


class Plain:
    """Adds."""

    def __call__(self, one: int, two: int = 1) -> int:
        return one + two

    def twice(self, one: int) -> int:
        return self(one) + self(one)


def counting(self, run, bound):
    with running(self):
        return f"protected {run(*bound.args, **bound.kwargs)}"


METHODS = {"__call__": counting, "twice": counting}


def protected() -> Plain:
    it = Plain()
    it.__class__ = protected_class(Plain, "mine", METHODS)
    return it


def test_it_passes_for_what_it_was():
    it = protected()
    assert isinstance(it, Plain)
    assert (type(it).__name__, type(it).__module__) == ("Plain", Plain.__module__)
    assert inspect.signature(it.__call__) == inspect.signature(Plain().__call__)
    assert type(it).__doc__ == "Adds."
    assert protection_of(it) == protection_of(type(it)) == "mine"
    assert protection_of(Plain()) is None
    assert original_class(type(it)) is Plain


def test_calls_inside_are_not_protected_twice():
    assert protected()(1) == "protected 2"
    assert protected().twice(1) == "protected 4"


def test_another_object_inside_is_protected():
    one, other = protected(), protected()
    with running(one):
        assert one(1) == 2
        assert other(1) == "protected 2"
        with running():
            assert one(1) == "protected 2"
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(one, 1).result() == "protected 2"


def test_protection_is_exchanged_and_not_stacked():
    again = protected_class(type(protected()), "other", METHODS)
    assert again.__bases__ == (Plain,)
    assert protection_of(again) == "other"


def test_wrong_arguments_raise_as_before():
    with pytest.raises(TypeError):
        protected()()


def test_what_was_there_cannot_be_unwrapped_or_pickled():
    it = protected()
    assert inspect.unwrap(type(it).__call__) is type(it).__call__
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(it)


def test_without_diffusers_the_error_says_what_to_install(monkeypatch):
    from provenance.errors import ConfigError
    from provenance.integrations.diffusers import attach

    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"pip install provenance-kit\[diffusers\]"):
        attach(object())
