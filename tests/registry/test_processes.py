"""Many processes and threads, forks, and processes that are killed, lose nothing."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from provenance.registry.store import SqlRegistry
from tests.registry.samples import a_fingerprint, a_record, probes_of


def added(job):
    where, start, count = job
    registry = SqlRegistry(where)
    for number in range(start, start + count):
        registry.add(a_record(number))
        assert registry.by_manifest(f"urn:c2pa:{number}") is not None
    registry.close()
    return count


def test_four_processes_add_at_once(where):
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=method) as pool:
        jobs = [(where, 1000 * n, 100) for n in range(4)]
        assert sum(pool.map(added, jobs)) == 400
    registry = SqlRegistry(where)
    assert registry.count() == 400
    assert len({r.manifest_id for r in registry.iterate()}) == 400
    for number in (0, 1050, 3099):
        found = registry.by_fingerprint(probes_of(a_fingerprint(number)))
        assert [m.record.manifest_id for m in found] == [f"urn:c2pa:{number}"]
    registry.close()


def test_the_same_record_from_many_threads_is_added_once(registry):
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: registry.add(a_record(1)), range(40)))
    assert sorted(outcomes) == [False] * 39 + [True]
    assert registry.count() == 1


def test_threads_add_and_search(registry):
    def work(thread):
        for number in range(thread * 100, thread * 100 + 20):
            registry.add(a_record(number))
            found = registry.by_fingerprint(probes_of(a_fingerprint(number)))
            assert found[0].record.manifest_id == f"urn:c2pa:{number}"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert registry.count() == 160


def test_a_first_use_by_many_threads_makes_one_schema(where):
    registries = [SqlRegistry(where) for _ in range(8)]
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait()
        return registries[number].add(a_record(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [True] * 8
    assert registries[0].count() == 8
    for registry in registries:
        registry.close()


def test_parent_and_child_both_go_on_after_a_fork(registry):
    registry.add(a_record(1))
    assert registry.by_fingerprint(probes_of(a_fingerprint(1)))
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            registry.add(a_record(2))
            good = len(registry.by_fingerprint(probes_of(a_fingerprint(2)))) == 1
            os._exit(0 if good and registry.count() == 2 else 1)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    registry.add(a_record(3))
    assert registry.count() == 3
    assert registry.by_fingerprint(probes_of(a_fingerprint(2)))


ADD_FOR_EVER = """
import sys
from provenance.registry.store import SqlRegistry
from tests.registry.samples import a_record
registry = SqlRegistry(sys.argv[1])
for number in range(int(sys.argv[2]), 10**9):
    registry.add(a_record(number))
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_kill(tmp_path):
    where, start, rng = str(tmp_path / "registry.db"), 0, random.Random(5)
    acknowledged = set()
    for _ in range(5):
        command = [sys.executable, "-c", ADD_FOR_EVER, where, str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            acknowledged.add(int(writer.stdout.readline()))
            time.sleep(rng.uniform(0.01, 0.2))
            writer.send_signal(signal.SIGKILL)
            acknowledged.update(map(int, writer.stdout.read().split(b"\n")[:-1]))
        start += 100_000
    registry = SqlRegistry(where)
    kept = {int(r.manifest_id.removeprefix("urn:c2pa:")) for r in registry.iterate()}
    assert acknowledged <= kept
    assert len(kept) <= len(acknowledged) + 5  # each writer may have died between disk and answer
    registry.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_registry_is_handed_to_workers(where, method):
    registry = SqlRegistry(where)
    registry.add(a_record(1))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(registry.add, [a_record(1), a_record(2)])) == [False, True]
    assert registry.count() == 2
    registry.close()
