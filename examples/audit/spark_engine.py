"""Audit a dataset on a Spark cluster: the folder is the same, bit for bit, as on one machine.

    spark-submit spark_engine.py DATASET AUDIT

The nodes need provenance-kit[audit], the weights and the dataset, and not the folder of the audit:
rows come back to the driver, which alone writes. What was ended goes on with the same command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import SparkSession

from provenance.audit.auditor import Auditor
from provenance.audit.engines.interface import Failed
from provenance.audit.finish import finish
from provenance.audit.interface import Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.open import opened
from provenance.audit.worker import Done, Worker
from provenance.errors import ProvenanceError


class SparkEngine:
    """An engine on a cluster, see `provenance.audit.engines.interface`."""

    def __init__(self, context: SparkContext, run: Run) -> None:
        self._context = context
        self._run = run

    def run(self, worker: Worker, shards: Iterable[Shard]) -> Iterator[Done | Failed]:
        """Finish shards, some for each core at a time: what a broken driver costs at most."""
        waiting = iter(shards)
        while some := list(islice(waiting, 4 * self._context.defaultParallelism)):
            tasks = self._context.parallelize(some, len(some))
            for done, rows in tasks.mapPartitions(lambda part: examined(worker, part)).collect():
                if isinstance(done, Done):
                    self._run.finish(done.number, rows)
                yield done


def examined(worker: Worker, shards: Iterable[Shard]) -> Iterator[tuple[Done | Failed, bytes]]:
    """On a node: the rows of shards, as the bytes of their files."""
    for shard in shards:
        try:
            yield worker.examined(shard)
        except (OSError, EOFError, ProvenanceError) as error:
            yield Failed(shard.number, shard.name, str(error) or type(error).__name__), b""


def main(dataset: str, folder: str) -> None:
    run, source = Run(Path(folder)), opened([dataset])
    spark = SparkSession.builder.appName("audit").getOrCreate()
    for step in Auditor(source, run.folder, Asked(Pixels.DOUBT)).run(
        SparkEngine(spark.sparkContext, run)
    ):
        print(f"{step.done} shards, {step.rows} files", *([step.failed] if step.failed else []))
    spark.stop()
    finish(run, source)


if __name__ == "__main__":
    main(*sys.argv[1:])
