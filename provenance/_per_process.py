"""A value made on first use, once for each process, safe under threads and after `fork`.

Native handles (ONNX sessions, C2PA contexts) do not survive `fork`, and a lock held by another
thread at that moment is held for ever in the child. So both are made anew when the process id has
changed, and neither travels in a pickle.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Calls `make` once for each process and keeps the result.

    Args:
        make: builds the value; picklable if the owner is to be pickled.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._fresh()

    def _fresh(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._value: T | None = None

    def __call__(self) -> T:
        """The value, made now if this process has none yet."""
        if self._pid != os.getpid():
            self._fresh()
        value = self._value
        if value is None:
            with self._lock:
                value = self._value
                if value is None:
                    value = self._value = self._make()
        return value

    def __reduce__(self) -> tuple[type[PerProcess[T]], tuple[Callable[[], T]]]:
        """Pickle the recipe, not the value."""
        return type(self), (self._make,)
