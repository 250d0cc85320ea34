"""A real Ray cluster of two nodes on this machine, one of which is killed during the run."""

from __future__ import annotations

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.interface import Sample, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place
from tests.audit.samples import folder

pytest.importorskip("pyarrow")
ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own, in its threads and subprocesses
]

HEADERS = Asked(Pixels.NONE)


class Slow(FolderSource):
    """A folder whose every shard takes a while, so that a node dies with work in its hands."""

    def samples(self, shard: Shard) -> Iterator[Sample]:
        time.sleep(0.5)
        yield from super().samples(shard)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # its thread would outlive these tests
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20},
        )
        made.add_node(num_cpus=2, object_store_memory=100 << 20)
        # The workers find this test's classes as this process does.
        paths = {"env_vars": {"PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path])}}
        ray.init(
            address=made.address, runtime_env=paths, log_to_driver=False, configure_logging=False
        )
        yield made
        ray.shutdown()
        made.shutdown()
    monkeypatch.undo()


def digests(run: Run) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(run.rows.iterdir())}


def test_two_nodes_one_killed_give_the_rows_of_one_machine(cluster: Any, tmp_path: Path) -> None:
    from provenance.audit.engines.ray import RayEngine

    data = folder(tmp_path / "data", 40)
    source = Slow(Place(str(data)), 2)
    here = Auditor(source, tmp_path / "here", HEADERS)
    *_, last = here.run(LocalEngine(2))
    assert last.done == 20

    there = Auditor(source, tmp_path / "there", HEADERS)
    killed, done = False, 0
    for step in there.run(RayEngine(Run(tmp_path / "there"))):
        assert step.failed is None, step.failed
        done = step.done
        if done >= 3 and not killed:
            (victim,) = [n for n in cluster.list_all_nodes() if n != cluster.head_node]
            cluster.remove_node(victim, allow_graceful=False)
            killed = True
    assert killed
    assert done == 20
    assert digests(Run(tmp_path / "there")) == digests(Run(tmp_path / "here"))
    rows = list(Run(tmp_path / "there").all_rows())
    assert len({row.path for row in rows}) == len(rows) == 40


def test_ray_is_asked_not_to_report_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from provenance.audit.engines.ray import RayEngine

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    RayEngine(Run(tmp_path))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    RayEngine(Run(tmp_path))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
