"""Many pictures at once, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from provenance.picture import Picture
from provenance.watermark.interface import Payload, Reading, Watermarker

Result = TypeVar("Result")


def extract_many(
    watermarker: Watermarker,
    pictures: Iterable[Picture],
    *,
    workers: int | None = None,
    processes: bool = False,
) -> Iterator[Reading]:
    """Read every picture, in order; at most twice `workers` pictures are held at a time.

    Args:
        watermarker: any; its plans are shared by threads and made once by each process.
        pictures: any number; taken as needed.
        workers: of the pool; default the number of cores.
        processes: use processes instead of threads. Threads share the Fourier transforms' and
            matrix products' freedom from the interpreter lock, about half of a reading; processes
            cost the copying of pixels.
    """
    with _pool(workers, processes) as pool:
        yield from _in_order(
            pool, ((watermarker.extract, (picture,)) for picture in pictures), _count(workers)
        )


def embed_many(
    watermarker: Watermarker,
    pairs: Iterable[tuple[Picture, Payload]],
    *,
    workers: int | None = None,
    processes: bool = False,
) -> Iterator[Picture]:
    """Mark every picture with its payload, in order; arguments as for `extract_many`."""
    with _pool(workers, processes) as pool:
        yield from _in_order(pool, ((watermarker.embed, pair) for pair in pairs), _count(workers))


def _count(workers: int | None) -> int:
    return max(1, workers or os.cpu_count() or 1)


def _pool(workers: int | None, processes: bool) -> Executor:
    return (ProcessPoolExecutor if processes else ThreadPoolExecutor)(_count(workers))


def _in_order(
    pool: Executor, calls: Iterable[tuple[Callable[..., Result], tuple[Any, ...]]], workers: int
) -> Iterator[Result]:
    waiting = iter(calls)
    running = [pool.submit(call, *given) for call, given in islice(waiting, 2 * workers)]
    while running:
        yield running.pop(0).result()
        running += [pool.submit(call, *given) for call, given in islice(waiting, 1)]
