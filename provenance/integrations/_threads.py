"""Work in threads, so that an event loop never waits; as many at a time as there are processors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from provenance._per_process import PerProcess

T = TypeVar("T")


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="provenance-protect")


_POOL = PerProcess(_pool)


async def in_thread(work: Callable[[], T], abandoned: Callable[[], None] = lambda: None) -> T:
    """Do the work in a thread.

    Args:
        work: what to do. Once it runs, it runs to its end, even if nobody waits for it any more.
        abandoned: called instead if the wait is cancelled before the work could begin.
    """
    future = _POOL().submit(copy_context().run, work)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if future.cancel():
            abandoned()
        raise
