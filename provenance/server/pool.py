"""Work in threads, so that the event loop never waits; and no more of it than fits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from provenance.server.errors import busy

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A fixed number of threads with a short queue; what does not fit is refused at once.

    Args:
        name: of its threads.
        workers: pieces of work that run at a time.
        waiting: that may wait beside these.
        seconds: after which nobody waits for an answer any more.
    """

    def __init__(self, name: str, workers: int, waiting: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._room = workers + waiting
        self._seconds = seconds
        self._lock = threading.Lock()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it in a thread.

        Raises:
            Refusal: 503, because there is no room or it took too long. A thread cannot be stopped:
                its place stays taken until the work is done.
        """
        with self._lock:
            if self._room <= 0:
                raise busy()
            self._room -= 1
        try:
            future = self._threads.submit(work, *args, **kwargs)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                raise  # the work's own
            raise busy("the answer took too long; try again later") from error

    def close(self) -> None:
        """Wait for what runs, and drop what waits."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _leave(self, _done: Future[T] | None = None) -> None:
        with self._lock:
            self._room += 1


class Memory:
    """Counts the bytes that are held for requests. Used by the event loop alone.

    Args:
        most: bytes in all.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Give a function that takes so many bytes more; all are given back at the end.

        The function raises a `Refusal` (503) when they are not there.
        """
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if size > self._free:
                raise busy()
            self._free -= size
            held += size

        try:
            yield take
        finally:
            self._free += held
