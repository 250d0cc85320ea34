"""Wall time of each stage, in the order in which they ran."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stopwatch:
    """Collects seconds by name, on top of those already spent; a name that comes twice adds up."""

    def __init__(self, spent: Mapping[str, float] | None = None) -> None:
        self.seconds: dict[str, float] = dict(spent or {})

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time one stage, also when it raises."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
