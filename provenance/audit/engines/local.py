"""Processes on this machine, and never more shards in memory than they work on."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from provenance.audit.engines.interface import Failed
from provenance.audit.interface import Shard
from provenance.audit.worker import Done, Worker
from provenance.errors import OutputError, ProvenanceError

TRIES = 3
"""For a shard that cannot be reached."""

DEATHS = 20
"""Of workers in one shard, each of which costs it a file, until it is given up."""

_worker: Worker | None = None


class LocalEngine:
    """An engine of processes.

    Args:
        workers: processes.
        pause: seconds before a second try; doubled before the third.
    """

    def __init__(self, workers: int = 1, pause: float = 1.0) -> None:
        self._workers = workers
        self._pause = pause

    def run(self, worker: Worker, shards: Iterable[Shard]) -> Iterator[Done | Failed]:
        """Finish shards; see `Engine`."""
        crew = _Crew(worker, self._workers)
        waiting = map(_Task, shards)
        try:
            while True:
                while crew.has_room and (task := crew.next(waiting)) is not None:
                    crew.begin(task)
                if not crew.busy:
                    return
                for task, error in crew.ended():
                    if error is None:
                        assert task.done is not None  # noqa: S101 - it ended well
                        yield task.done
                    elif failed := self._tried(crew, task, error):
                        yield failed
        finally:
            crew.end()

    def _tried(self, crew: _Crew, task: _Task, error: BaseException) -> Failed | None:
        """Try again, or give the shard up.

        Raises:
            OutputError: rows cannot be kept.
        """
        if isinstance(error, OutputError):
            raise error
        if isinstance(error, BrokenProcessPool):
            task.deaths += 1
            if task.deaths <= DEATHS:
                crew.later(task)
                return None
            return Failed(task.shard.number, task.shard.name, f"its worker died {DEATHS} times")
        if not isinstance(error, OSError | EOFError | ProvenanceError):
            raise error
        task.tries += 1
        if task.tries < TRIES:
            time.sleep(self._pause * 2 ** (task.tries - 1))
            crew.later(task)
            return None
        return Failed(task.shard.number, task.shard.name, str(error))


@dataclass(slots=True)
class _Task:
    shard: Shard
    tries: int = 0
    deaths: int = 0
    done: Done | None = None


class _Crew:
    """A pool of processes that is replaced when one of them dies."""

    def __init__(self, worker: Worker, workers: int) -> None:
        self._worker = worker
        self._workers = workers
        self._pool = self._new_pool()
        self._running: dict[Future[Done], _Task] = {}
        self._again: list[_Task] = []

    @property
    def has_room(self) -> bool:
        """One shard for each process, and one that waits for it; a suspect works alone.

        When one process dies the pool ends the others too: only alone is it certain whose file it
        was.
        """
        alone = any(task.deaths for task in self._running.values())
        return not alone and len(self._running) < 2 * self._workers

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def next(self, waiting: Iterator[_Task]) -> _Task | None:
        if self._again:
            return None if self._running else self._again.pop()
        return next(waiting, None)

    def later(self, task: _Task) -> None:
        self._again.append(task)

    def begin(self, task: _Task) -> None:
        try:
            future = self._pool.submit(_finish, task.shard, task.deaths > 0)
        except BrokenProcessPool as error:  # between two looks at it
            future = Future()
            future.set_exception(error)
        self._running[future] = task

    def ended(self) -> Iterator[tuple[_Task, BaseException | None]]:
        """What has ended since, at least one; with all others if a process died.

        Which of the processes died is not told: all that was in work is suspect.
        """
        ended = wait(self._running, return_when=FIRST_COMPLETED).done
        if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new_pool()
            ended = set(self._running)
        for future in ended:
            task = self._running.pop(future)
            error = BrokenProcessPool() if future.cancelled() else future.exception()
            task.done = future.result() if error is None else None
            yield task, error

    def end(self) -> None:
        """End the processes now: what they have in work is not kept anyway."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(10)

    def _new_pool(self) -> ProcessPoolExecutor:
        # Not `fork`: a copy of a process with threads may wait for ever for one of them.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, _begin, (self._worker,))


def _begin(worker: Worker) -> None:
    import signal

    global _worker  # noqa: PLW0603 - one for each process, which has nothing else
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that waits for us
    _worker = worker


def _finish(shard: Shard, careful: bool) -> Done:
    assert _worker is not None  # noqa: S101 - `_begin` ran
    return _worker.finish(shard, careful=careful)
