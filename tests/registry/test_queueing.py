"""No record is lost while the database is away, and none is kept twice."""

import multiprocessing
import os
import signal

import pytest

from provenance.errors import RegistryConflict, RegistryUnavailable
from provenance.registry import queueing
from provenance.registry.queueing import QueueingRegistry
from provenance.registry.store import SqlRegistry
from tests.registry.samples import a_record, probes_of, unprivileged


class Away(SqlRegistry):
    """A database that can be taken away."""

    away = False
    asked = 0

    def add(self, record):
        self.asked += 1
        if self.away:
            raise RegistryUnavailable("the registry cannot be reached")
        return super().add(record)


@pytest.fixture
def database(tmp_path):
    database = Away(tmp_path / "registry.db")
    yield database
    database.close()


@pytest.fixture
def registry(database, tmp_path, monkeypatch):
    monkeypatch.setattr(queueing, "RETRY", 0.0)
    return QueueingRegistry(database, tmp_path / "queue")


def test_with_a_database_nothing_waits(registry, database):
    assert registry.add(a_record(1))
    assert not registry.add(a_record(1))
    assert (registry.count(), registry.waiting()) == (1, 0)
    assert registry.by_manifest("urn:c2pa:1") == a_record(1)
    assert registry.by_payload("org.example.mark", f"{1:016x}") == (a_record(1),)
    assert registry.by_fingerprint(probes_of(a_record(1).fingerprint))[0].record == a_record(1)
    assert list(registry.iterate()) == [a_record(1)]


def test_without_one_records_wait_and_arrive_in_order(registry, database):
    database.away = True
    for number in range(5):
        assert registry.add(a_record(number))
    assert not registry.add(a_record(3))
    assert (registry.waiting(), database.count()) == (5, 0)
    database.away = False
    registry.add(a_record(9))
    assert registry.waiting() == 0
    assert [r.manifest_id for r in registry.iterate()] == [f"urn:c2pa:{n}" for n in (9, *range(5))]
    assert registry.by_manifest("urn:c2pa:3") == a_record(3)


def test_a_record_without_mark_and_fingerprint_survives(registry, database):
    database.away = True
    bare = a_record(1, fingerprint=None, watermark_algorithm=None, payload=None, tiles=None)
    registry.add(bare)
    database.away = False
    assert registry.hand_over() == 1
    assert registry.by_manifest("urn:c2pa:1") == bare


def test_a_database_that_is_away_is_not_asked_for_every_picture(database, tmp_path):
    database.away = True
    registry = QueueingRegistry(database, tmp_path / "queue")
    for number in range(20):
        registry.add(a_record(number))
    assert database.asked == 1
    assert registry.waiting() == 20


def test_it_goes_away_again_while_records_are_handed_over(registry, database):
    database.away = True
    registry.add(a_record(1))
    assert registry.hand_over() == 0
    assert registry.waiting() == 1


def test_a_conflict_is_kept_aside(registry, database, tmp_path):
    database.away = True
    registry.add(a_record(1, sha256="ab" * 32))
    database.away = False
    database.add(a_record(1))
    assert registry.hand_over() == 0
    assert registry.waiting() == 0
    assert len(list((tmp_path / "queue").glob("*.refused"))) == 1
    with pytest.raises(RegistryConflict):
        registry.add(a_record(1, sha256="ab" * 32))


def test_where_neither_can_be_written_nothing_is_issued(registry, database, tmp_path):
    database.away = True
    tmp_path.chmod(0o755)
    with unprivileged(), pytest.raises(RegistryUnavailable, match="cannot be queued"):
        registry.add(a_record(1))


def _write(folder, database, acknowledged):
    registry = QueueingRegistry(Away(database), folder)
    registry._registry.away = True
    number = 0
    while True:
        registry.add(a_record(number))
        acknowledged.send(number)
        number += 1


@pytest.mark.parametrize("attempt", range(3))
def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path, database, attempt):
    told, tell = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    writer = context.Process(
        target=_write, args=(tmp_path / "queue", tmp_path / "registry.db", tell)
    )
    writer.start()
    while told.recv() < 10 + 7 * attempt:
        pass
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    last = 10 + 7 * attempt
    while told.poll():
        last = told.recv()
    registry = QueueingRegistry(database, tmp_path / "queue")
    assert registry.hand_over() >= last + 1
    assert {f"urn:c2pa:{n}" for n in range(last + 1)} <= {r.manifest_id for r in registry.iterate()}
