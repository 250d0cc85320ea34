"""A Ray cluster, through Ray Data: shards go out, rows come back. Needs the extra `ray`.

Rows come back to the machine that asked, which alone writes: the cluster needs to reach the
dataset, and not the folder of the audit. A node that dies costs the shards that it had in work;
Ray gives them to others. `RAY_ADDRESS`, or `ray start`, says which cluster; without one, Ray starts
one on this machine. Ray's reports of usage are off unless `RAY_USAGE_STATS_ENABLED` says otherwise.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from provenance.audit.engines.interface import Failed
from provenance.audit.interface import Shard
from provenance.audit.run import Run
from provenance.audit.worker import Done, Worker
from provenance.errors import ConfigError, ProvenanceError

AT_A_TIME = 1000
"""Shards handed to Ray Data as one dataset: their list is held in memory, their rows are not."""


class RayEngine:
    """An engine on a cluster.

    Args:
        workers: at most so many at a time; 0 is as many as the cluster has cores.
        run: where the rows are kept.

    Raises:
        ConfigError: Ray is not installed.
    """

    def __init__(self, run: Run, workers: int = 0) -> None:
        # Ray tells its makers how it is used unless it is asked not to; an audit stays at home.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray.data
        except ModuleNotFoundError as error:
            raise ConfigError(
                "--engine ray needs a package that is not installed: "
                "pip install 'provenance-kit[ray]'"
            ) from error
        self._ray = ray
        self._run = run
        self._workers = workers

    def run(self, worker: Worker, shards: Iterable[Shard]) -> Iterator[Done | Failed]:
        """Finish shards; see `Engine`."""
        ray = self._ray
        started = not ray.is_initialized()
        if started:
            ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
        try:
            waiting = iter(shards)
            while part := list(islice(waiting, AT_A_TIME)):
                yield from self._finished(worker, part)
        finally:
            if started:
                ray.shutdown()

    def _finished(self, worker: Worker, shards: list[Shard]) -> Iterator[Done | Failed]:
        ray = self._ray
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        cores = int(ray.cluster_resources().get("CPU", 1))
        most = min(self._workers or cores, len(shards))
        rows = [{"shard": json.dumps(asdict(shard))} for shard in shards]
        results = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Finisher,
            fn_constructor_args=(pickle.dumps(worker),),
            concurrency=(1, most),
            num_cpus=1,
        )
        for row in results.iter_rows():
            yield self._kept(row)

    def _kept(self, row: Mapping[str, Any]) -> Done | Failed:
        if row["why"]:
            return Failed(row["number"], row["name"], row["why"])
        self._run.finish(row["number"], base64.b64decode(row["rows"]))
        return Done(row["number"], row["count"], row["size"])


class _Finisher:
    """Lives on a node, with its models."""

    def __init__(self, worker: bytes) -> None:
        self._worker: Worker = pickle.loads(worker)  # noqa: S301 - our own, from the driver

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        shard = Shard(**json.loads(row["shard"]))
        answer = {"number": shard.number, "name": shard.name, "count": 0, "size": 0}
        try:
            done, rows = self._worker.examined(shard)
        except (OSError, EOFError, ProvenanceError) as error:
            return {**answer, "rows": "", "why": str(error) or type(error).__name__}
        text = base64.b64encode(rows).decode()
        return {**answer, "count": done.rows, "size": done.size, "rows": text, "why": ""}
