"""Keeps what was made of the same bytes, so that a static picture is not signed at each request.

The tag and the ranges of such a picture hold as long as it is kept. Each process has its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from provenance.integrations._found import Body


class Cache:
    """Thread-safe; what was used last is kept.

    Args:
        most: bytes in all; 0 keeps nothing.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[bytes, Body] = OrderedDict()
        self._making: dict[bytes, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: bytes, make: Callable[[], Body]) -> Body:
        """What is kept under the key, or what `make` returns; made once for all who ask at once.

        Raises:
            Whatever `make` raises; nothing is kept then.
        """
        if not self._most:
            return make()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            one = self._making.setdefault(key, threading.Lock())
        with one:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                made = make()
                self._keep(key, made)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return made

    def _keep(self, key: bytes, made: Body) -> None:
        with self._lock:
            if len(made[1]) > self._most:
                return
            self._kept[key] = made
            self._size += len(made[1])
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1][1])
