"""Waits for a call no longer than a deadline."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX, Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises.

    Python cannot stop a thread, so a call that is too late goes on in the background, as a daemon
    that does not hold up the end of the program; its result is thrown away.

    Raises:
        TimeoutError: it took longer.
    """
    answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((call(), None))
        except BaseException as error:  # handed to the caller, whatever it is
            answer.put((None, error))

    Thread(target=run, daemon=True, name="provenance-classifier").start()
    try:
        result, error = answer.get(timeout=min(seconds, TIMEOUT_MAX))
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # `call` returned it
