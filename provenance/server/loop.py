"""An event loop that is never held up for long, however many clients come at once.

Three things held it up when 200 did: asyncio does everything that is ready before it looks at its
timers; Python's garbage collector went through all that was there since the start, 70 ms each
time, with every thread waiting; and a thread that computes keeps Python's lock for 5 ms, which the
loop lets go with every byte that it sends.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AT_A_TIME = 4
"""Connections that are attended to before timers and the work of threads have their turn. With 16,
`benchmarks/middleware.py` saw the loop late by up to 76 ms, with four by 21."""

LOCKED = 0.0005
"""Seconds for which a thread that computes keeps Python's lock when the loop wants it."""


@contextmanager
def runner() -> Iterator[asyncio.Runner]:
    """What runs a server: load everything before, since that is never looked through again."""
    gc.collect()
    gc.freeze()
    before = sys.getswitchinterval()
    sys.setswitchinterval(LOCKED)
    try:
        with asyncio.Runner(loop_factory=_loop) as running:
            yield running
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":  # its loop has no selector
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(_Few())


class _Few(selectors.DefaultSelector):
    """Names a few of those that are ready, all of them in turn."""

    def __init__(self) -> None:
        super().__init__()
        self._named: set[int] = set()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        if len(ready) <= AT_A_TIME:
            self._named.clear()
            return ready
        waiting = [each for each in ready if each[0].fd not in self._named]
        if not waiting:
            self._named.clear()
            waiting = ready
        few = waiting[:AT_A_TIME]
        self._named.update(key.fd for key, _ in few)
        return few


class Listener(socket.socket):
    """A socket that lets a few clients in at a time, where asyncio would take all who wait."""

    _taken = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """The next of them.

        Raises:
            BlockingIOError: nobody waits, or there were enough for now.
        """
        if self._taken == AT_A_TIME:
            self._taken = 0
            raise BlockingIOError
        try:
            client = super().accept()
        except OSError:
            self._taken = 0
            raise
        self._taken += 1
        return client
