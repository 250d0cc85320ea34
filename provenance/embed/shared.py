"""No tower is loaded twice in a process: everything that asks for the same one shares it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from provenance._per_process import PerProcess
from provenance.embed.tower import LoadedTower


class _Towers:
    """Those of this process. One lock for each, so that two can load at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Hashable, tuple[threading.Lock, list[LoadedTower]]] = {}

    def get(self, key: Hashable, make: Callable[[], LoadedTower]) -> LoadedTower:
        with self._lock:
            lock, made = self._held.setdefault(key, (threading.Lock(), []))
        with lock:
            if not made:
                made.append(make())
            return made[0]

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


_towers = PerProcess(_Towers)


def shared(key: Hashable, make: Callable[[], LoadedTower]) -> LoadedTower:
    """The tower of that key: made by the first who asks, the same object for all others.

    A forked child makes its own: native handles do not survive. A failure is not kept.

    Args:
        key: model, revision, backend and files.
        make: loads it.
    """
    return _towers().get(key, make)


def forget() -> None:
    """Let go of all towers of this process; those in use live until their users are done."""
    _towers().clear()
