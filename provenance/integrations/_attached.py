"""An object whose class is exchanged for one like it, some methods of which are protected.

Python looks `object(...)` up on the class, so that replacing a method on the object would leave a
way around it. The new class is a subclass with the same name: `isinstance`, `type(x).__name__` and
whatever writes the name of the class to a file see no difference. It cannot be found by its name,
so that pickling fails instead of giving an object without protection.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

Run: TypeAlias = Callable[..., Any]
Around: TypeAlias = Callable[[Any, Run, inspect.BoundArguments], Any]
"""Takes the object, what runs the method as it was, and the arguments of the call."""

_KEPT = "_provenance_protection"

_running: ContextVar[tuple[Any, ...]] = ContextVar("provenance_running", default=())
"""Objects inside whose protected call we are: their own inner calls are not protected twice."""


def protected_class(
    base: type, protection: Any, methods: Mapping[str, Around], **replaced: Any
) -> type:
    """A subclass of `base` that passes for it.

    Args:
        base: may be one that is protected already, whose protection is then exchanged.
        protection: kept in the class.
        methods: what stands around the methods of these names; `base` has to have them.
        replaced: attributes of the class.
    """
    base = original_class(base)
    body: dict[str, Any] = {
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        _KEPT: protection,
        **replaced,
    }
    for name, around in methods.items():
        body[name] = _method(getattr(base, name), around)
    return type(base)(base.__name__, (base,), body)


def protection_of(value: Any) -> Any:
    """The protection of an object or a class, or None."""
    return getattr(value, _KEPT, None)


def original_class(kind: type) -> type:
    """The class that was there before."""
    while _KEPT in vars(kind):
        kind = kind.__bases__[0]
    return kind


@contextmanager
def running(*objects: Any) -> Iterator[None]:
    """Let these call each other unprotected; without any, let nobody."""
    token = _running.set(objects)
    try:
        yield
    finally:
        _running.reset(token)


def _method(method: Run, around: Around) -> Run:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def protected(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        self = args[0]
        if any(self is each for each in _running.get()):
            return method(*args, **kwargs)
        return around(self, method, bound)

    # `__wrapped__` would hand out the method as it was to whoever unwraps decorators.
    del protected.__wrapped__
    vars(protected)["__signature__"] = signature
    return protected
